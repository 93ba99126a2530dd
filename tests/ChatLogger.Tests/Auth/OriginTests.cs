using ChatLogger.Auth;

namespace ChatLogger.Tests.Auth;

public class OriginTests
{
    [Theory]
    [InlineData("https://dashboard.example", true)]
    [InlineData("http://localhost:5173", true)]
    [InlineData("https://dashboard.example:8443", true)]
    [InlineData("http://[::1]:5173", true)]
    [InlineData("https://xn--bcher-kva.example", true)]
    [InlineData(null, false)]
    [InlineData("", false)]
    [InlineData("*", false)]
    [InlineData("null", false)]
    [InlineData("dashboard.example", false)]
    [InlineData("//dashboard.example", false)]
    [InlineData("https://", false)]
    [InlineData("https://*.example", false)]
    [InlineData("https://dashboard.example/", false)]
    [InlineData("https://dashboard.example/app", false)]
    [InlineData("https://dashboard.example?a", false)]
    [InlineData("https://dashboard.example#a", false)]
    [InlineData("https://dashboard.example:443", false)]
    [InlineData("http://dashboard.example:80", false)]
    [InlineData("https://me@dashboard.example", false)]
    [InlineData("https://Dashboard.example", false)]
    [InlineData("HTTPS://dashboard.example", false)]
    [InlineData(" https://dashboard.example", false)]
    [InlineData("https://dashboard.example ", false)]
    [InlineData("https://a.example, https://b.example", false)]
    [InlineData("https://bücher.example", false)]
    [InlineData("ftp://dashboard.example", false)]
    [InlineData("file:///", false)]
    [InlineData("javascript:alert(1)", false)]
    [InlineData("chrome-extension://abcdef", false)]
    public void An_origin_is_what_a_browser_sends(string? text, bool isOne) => Assert.Equal(isOne, Origin.IsExact(text));
}
