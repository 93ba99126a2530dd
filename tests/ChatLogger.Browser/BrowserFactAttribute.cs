namespace ChatLogger.Browser;

/// <summary>A test that looks at the dashboard in a browser; skipped where there is none, or no dashboard.</summary>
public sealed class BrowserFactAttribute : DashboardFactAttribute
{
    public BrowserFactAttribute() => Skip ??= Chromium.WhyNot;
}

/// <inheritdoc cref="BrowserFactAttribute"/>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BrowserTheoryAttribute : TheoryAttribute
{
    public BrowserTheoryAttribute() => Skip = new BrowserFactAttribute().Skip;
}
