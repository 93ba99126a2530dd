namespace ChatLogger.Browser;

/// <summary>Dialogs and menus with the keyboard alone.</summary>
public class DialogTests(DashboardApp app) : IClassFixture<DashboardApp>
{
    [BrowserFact]
    public async Task Tab_stays_within_a_dialog_and_the_focus_returns_to_what_opened_it()
    {
        var acme = await app.Org("acme");
        await acme.Key("ingest");
        var chat = await acme.Chat(new { title = "Hello" });
        await app.Browse(await acme.Admin(), async visit =>
        {
            foreach (var (path, opener, title) in new[]
            {
                ("/app/settings/keys", "New key", "New key"),
                ("/app/settings/members", "Add member", "Add member"),
                ("/app/exports", "New export", "New export"),
                ("/app/chats", "Filters", "Filters"),
            })
            {
                await visit.Go(path);
                await visit.Button(opener).FocusAsync();
                await visit.Page.Keyboard.PressAsync("Enter");
                await Expect(visit.Dialog(title)).ToBeVisibleAsync();
                await Walk("Tab");
                await Walk("Shift+Tab");
                await visit.Page.Keyboard.PressAsync("Escape");
                await Expect(visit.Dialog(title)).ToBeHiddenAsync();
                await Expect(visit.Button(opener)).ToBeFocusedAsync();
            }

            // From a menu, whose button is what the reader comes back to.
            await visit.Go($"/app/chats/{chat}");
            var more = visit.Page.Locator("section.conversation > header")
                .GetByRole(AriaRole.Button, new() { Name = "More", Exact = true });
            await more.FocusAsync();
            await visit.Page.Keyboard.PressAsync("Enter");
            await Expect(visit.Button("Delete chat")).ToBeVisibleAsync();
            await visit.Button("Delete chat").FocusAsync();
            await visit.Page.Keyboard.PressAsync("Enter");
            await Expect(visit.Dialog("Delete this chat?")).ToBeVisibleAsync();
            await Walk("Tab");
            await visit.Page.Keyboard.PressAsync("Escape");
            await Expect(visit.Dialog("Delete this chat?")).ToBeHiddenAsync();
            await Expect(more).ToBeFocusedAsync();

            // More often than the dialog has places. Beyond the last the browser itself may have one, where the page has none.
            async Task Walk(string key)
            {
                var seen = new HashSet<string>();
                for (var press = 0; press < 30; press++)
                {
                    await visit.Page.Keyboard.PressAsync(key);
                    var place = await visit.Page.EvaluateAsync<string>(
                        """
                        () => {
                          const at = document.activeElement
                          return at.closest('dialog[open]') ? at.outerHTML : at === document.body ? 'none' : `outside: ${at.outerHTML}`
                        }
                        """);
                    Assert.DoesNotContain("outside", place, StringComparison.Ordinal);
                    seen.Add(place);
                }
                Assert.True(seen.Count >= 3, string.Join('\n', seen));
            }
        });
    }

    [BrowserFact]
    public async Task A_screen_that_cannot_be_loaded_says_so_in_its_place_and_comes_when_it_can()
    {
        var acme = await app.Org("acme");
        await acme.Chat(new { title = "Hello" });
        await app.Browse(await acme.Admin(), async visit =>
        {
            visit.Expects("net::ERR_INTERNET_DISCONNECTED", "net::ERR_NETWORK_CHANGED", "net::ERR_FAILED");
            await visit.Open("/app/chats");
            await Expect(visit.Rows).ToHaveCountAsync(1);
            await visit.IsLive();

            await visit.Context.SetOfflineAsync(true);
            await visit.Link("Settings").ClickAsync();
            await Expect(visit.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("cannot be reached");
            await visit.Link("Chats").ClickAsync();
            await Expect(visit.Page.Locator(".pane.list")).ToBeVisibleAsync();
            await Expect(visit.Page.Locator("#content > .failure")).ToHaveCountAsync(0);

            await visit.Link("Settings").ClickAsync();
            await Expect(visit.Page.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
            await visit.Context.SetOfflineAsync(false);
            await Expect(visit.Heading("Settings")).ToBeVisibleAsync();
        });
    }
}
