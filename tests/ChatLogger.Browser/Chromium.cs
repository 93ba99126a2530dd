namespace ChatLogger.Browser;

/// <summary>The machine's own Chromium, started once for all tests of a run; Playwright downloads none.</summary>
internal static class Chromium
{
    private const string Variable = "CHATLOGGER_TEST_BROWSER";

    // The one without a window first: it takes two thirds of the time.
    private static readonly string[] Names =
        ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome.exe", "msedge.exe"];

    private static readonly Lazy<Task<IBrowser>> Running = new(Launch);

    /// <summary>The program that <c>CHATLOGGER_TEST_BROWSER</c> names, or the first that is found in PATH; null if there is none.</summary>
    public static string? Program { get; } = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } given ? given : Find();

    /// <summary>Why no test can look at the dashboard here; null if they can.</summary>
    public static string? WhyNot { get; } = Program is null
        ? $"There is no Chromium in PATH: install it (apt-get install chromium), or set {Variable} to its path."
        : null;

    public static Task<IBrowser> Browser => Running.Value;

    private static string? Find() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(directory => Names.Select(name => Path.Combine(directory, name)))
            .FirstOrDefault(File.Exists);

    private static async Task<IBrowser> Launch()
    {
        // Only a failing test ever waits as long.
        SetDefaultExpectTimeout(Visit.TimeoutMs);
        var playwright = await Playwright.CreateAsync();
        var browser = await playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = Program,
            // Root has no sandbox to start a browser in.
            ChromiumSandbox = !Environment.IsPrivilegedProcess,
            Args = ["--disable-dev-shm-usage", "--force-color-profile=srgb", "--font-render-hinting=none", "--disable-lcd-text"],
        });
        AppDomain.CurrentDomain.ProcessExit += (_, _) => playwright.Dispose();
        return browser;
    }
}
