using ChatLogger.Cli;
using ChatLogger.Import;

namespace ChatLogger.Tests.Import;

public class ImportProgressLineTests
{
    private static readonly ImportProgress Half = new((1_500_000, 3_000_000), new(Chats: 10, ChatsThere: 2, Messages: 100, Refused: 1));

    [Fact]
    public void A_terminal_shows_how_far_it_is_on_one_line_and_is_left_clean()
    {
        using var terminal = new StringWriter();

        using (var line = new ImportProgressLine(terminal, isTerminal: true))
            line.Report(Half);

        Assert.StartsWith("\r 50 % of 3.0 MB, 12 chats, 100 messages, ", terminal.ToString(), StringComparison.Ordinal);
        Assert.EndsWith(", 1 refused\u001b[K\r\u001b[K", terminal.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("\n", terminal.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_or_a_pipe_gets_nothing()
    {
        using var output = new StringWriter();

        using (var line = new ImportProgressLine(output, isTerminal: false))
            line.Report(Half);

        Assert.Equal("", output.ToString());
    }
}
