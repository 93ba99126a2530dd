namespace ChatLogger.Tests;

public class SkeletonTests
{
    [Fact]
    public void Builds() => Assert.NotNull(typeof(MediatR.IMediator));
}
