namespace ChatLogger.Tests.Features.Chats;

internal static class BatchAnswer
{
    public static void AllWritten(this Answer answer) =>
        Assert.All(answer["results"].EnumerateArray(), result => Assert.Equal(201, result.GetProperty("status").GetInt32()));
}
