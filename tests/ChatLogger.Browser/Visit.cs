using System.Collections.Concurrent;
using Deque.AxeCore.Commons;

namespace ChatLogger.Browser;

/// <summary>How the page is looked at.</summary>
internal sealed record Look(bool IsDark = false, int Width = 1440, int Height = 900)
{
    public override string ToString() => $"{(IsDark ? "dark" : "light")}-{Width}";
}

/// <summary>A browser that somebody looks at the dashboard with. It notes whatever a reader of its console would complain of.</summary>
internal sealed class Visit(DashboardApp app, IBrowserContext context, IPage page)
{
    /// <summary>In milliseconds.</summary>
    public const float TimeoutMs = 30_000;

    /// <summary>Where screenshots are left.</summary>
    private static readonly string Pictures =
        System.IO.Path.Combine(Repository.Root, "tests", "ChatLogger.Browser", "TestResults", "screens");

    private static readonly string AxeScript = new BundledAxeScriptProvider().GetScript();

    private readonly ConcurrentQueue<string> _complaints = new();
    private readonly ConcurrentBag<string> _expected = [];

    public IPage Page => page;

    public IBrowserContext Context => context;

    public static async Task<Visit> Begin(DashboardApp app, Look look)
    {
        var browser = await Chromium.Browser;
        var context = await browser.NewContextAsync(new()
        {
            ViewportSize = new() { Width = look.Width, Height = look.Height },
            ColorScheme = look.IsDark ? ColorScheme.Dark : ColorScheme.Light,
            ReducedMotion = ReducedMotion.Reduce,
            Locale = "en-GB",
            TimezoneId = "Europe/Amsterdam",
        });
        context.SetDefaultTimeout(TimeoutMs);
        var visit = new Visit(app, context, await context.NewPageAsync());
        visit.Listen();
        return visit;
    }

    /// <summary>Signs in as the caller whose session this is, or out.</summary>
    public async Task As(Caller? caller)
    {
        await page.GotoAsync("about:blank");
        await context.ClearCookiesAsync();
        if (caller is null)
        {
            // The page asks who is there, and is told that nobody is.
            Expects("401 GET /users/me");
            return;
        }
        var (name, value) = caller.Credential!.Split('=', 2) switch { var parts => (parts[0], parts[1]) };
        await context.AddCookiesAsync(
        [
            new()
            {
                Name = name,
                Value = value,
                Domain = app.Address.Host,
                Path = app.Base.Length == 0 ? "/" : app.Base,
                Secure = true,
                HttpOnly = true,
                SameSite = SameSiteAttribute.Strict,
            },
        ]);
    }

    /// <summary>The address of something of the service, as the browser knows it.</summary>
    public string Url(string path) => $"{app.Address.GetLeftPart(UriPartial.Authority)}{app.Base}{path}";

    public Task Open(string path) => page.GotoAsync(Url(path), new() { WaitUntil = WaitUntilState.DOMContentLoaded });

    /// <summary>Goes there as a link does, without loading the page anew if it is loaded.</summary>
    public async Task Go(string path)
    {
        if (!await page.EvaluateAsync<bool>("document.querySelector('.shell') !== null"))
        {
            await Open(path);
            return;
        }
        while (await page.Locator("dialog[open], [popover]:popover-open").CountAsync() > 0)
            await page.Keyboard.PressAsync("Escape");
        await page.EvaluateAsync("to => { history.pushState(null, '', to); dispatchEvent(new PopStateEvent('popstate')) }", Url(path));
    }

    /// <summary>What axe finds on the page as it is, by all of its rules and the one of WCAG 2.2 that it leaves out unless asked.</summary>
    public async Task<string[]> Axe()
    {
        if (!await page.EvaluateAsync<bool>("'axe' in globalThis"))
            await page.EvaluateAsync(AxeScript);
        return await page.EvaluateAsync<string[]>(
            """
            async () => {
              const found = await axe.run({ resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } })
              return found.violations.map(({ id, help, nodes }) => [id, help, ...nodes.slice(0, 3).map(node => node.html)].join(': '))
            }
            """);
    }

    /// <summary>The element that makes the page, or the place of its screen, wider than there is room; null if none does.</summary>
    public Task<string?> TooWide() => page.EvaluateAsync<string?>(
        """
        () => {
          const root = document.documentElement
          const tooWide = [root, document.getElementById('content')].find(each => each && each.scrollWidth > each.clientWidth)
          if (!tooWide) return null
          const edge = tooWide.getBoundingClientRect().left + tooWide.scrollWidth - 1
          const widest = [...tooWide.querySelectorAll('*')].filter(each => each.getBoundingClientRect().right >= edge)
          return widest.at(-1)?.outerHTML.slice(0, 200) ?? String(tooWide.scrollWidth)
        }
        """);

    /// <summary>Something that contains these words is no reason to complain in this test.</summary>
    public void Expects(params string[] words)
    {
        foreach (var each in words)
            _expected.Add(each);
    }

    public IReadOnlyList<string> Complaints =>
        [.. _complaints.Where(complaint => !_expected.Any(words => complaint.Contains(words, StringComparison.Ordinal))).Distinct()];

    public ILocator Button(string name) => page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });

    public ILocator Link(string name) => page.GetByRole(AriaRole.Link, new() { Name = name, Exact = true });

    public ILocator Heading(string name) => page.GetByRole(AriaRole.Heading, new() { Name = name, Exact = true });

    public ILocator Dialog(string name) => page.GetByRole(AriaRole.Dialog, new() { Name = name, Exact = true });

    public ILocator Field(string label) => page.GetByLabel(label, new() { Exact = true });

    public ILocator Rows => page.Locator(".chat-row");

    public ILocator Messages => page.Locator("article.message");

    /// <summary>The links to the screens.</summary>
    public ILocator Screens => page.Locator("nav.rail a");

    public ILocator Tabs => page.Locator("nav.tabs a");

    public async Task SignIn(string email, string password)
    {
        await Field("Email").FillAsync(email);
        await Field("Password").FillAsync(password);
        await page.RunAndWaitForResponseAsync(
            () => Button("Sign in").ClickAsync(), response => response.Url.EndsWith("/auth/login", StringComparison.Ordinal));
    }

    /// <summary>Chooses something of the menu of the open chat.</summary>
    public async Task Choose(string what, string within = "section.conversation > header")
    {
        await page.Locator(within).First.GetByRole(AriaRole.Button, new() { Name = "More", Exact = true }).ClickAsync();
        await Button(what).ClickAsync();
    }

    /// <summary>What the menu within this element offers.</summary>
    public async Task<IReadOnlyList<string>> Menu(string within)
    {
        await page.Locator(within).First.GetByRole(AriaRole.Button, new() { Name = "More", Exact = true }).ClickAsync();
        await Expect(page.Locator("[popover]:popover-open button").First).ToBeVisibleAsync();
        var offered = await page.Locator("[popover]:popover-open button").AllInnerTextsAsync();
        await page.Keyboard.PressAsync("Escape");
        return [.. offered.Select(text => text.Trim())];
    }

    /// <summary>Waits until the page follows what happens in the organization.</summary>
    public Task IsLive() => Expect(page.Locator(".status.live")).ToBeAttachedAsync();

    public Task Picture(string name) => page.ScreenshotAsync(new() { Path = System.IO.Path.Combine(Pictures, $"{name}.png") });

    private void Listen()
    {
        page.Console += (_, message) =>
        {
            // What the browser says of a response is noted with the response.
            if (message.Type is "error" or "warning" && !message.Text.StartsWith("Failed to load resource", StringComparison.Ordinal))
                Complain($"console {message.Type}: {message.Text}");
        };
        page.PageError += (_, error) => Complain($"exception: {error}");
        context.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(Url("/"), StringComparison.Ordinal) && !request.Url.StartsWith("data:", StringComparison.Ordinal))
                Complain($"request elsewhere: {request.Url}");
        };
        context.Response += (_, response) =>
        {
            if (response.Status >= 400)
                Complain($"{response.Status} {response.Request.Method} {Path(response.Url)}");
        };
        context.RequestFailed += (_, request) =>
        {
            // The page itself ends what it no longer needs.
            if (request.Failure != "net::ERR_ABORTED")
                Complain($"{request.Failure} {request.Method} {Path(request.Url)}");
        };
    }

    private string Path(string url) => url.StartsWith(Url(""), StringComparison.Ordinal) ? url[Url("").Length..] : url;

    private void Complain(string text) => _complaints.Enqueue(text);
}
