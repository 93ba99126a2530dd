// A bot on the command line: each line is a question to a model, and the whole conversation is logged.
using System.ClientModel;
using ChatLogger.Client;
using ChatLogger.Extensions.AI;
using Microsoft.Extensions.AI;
using OpenAI;

static string Setting(string name, string otherwise = "") => Environment.GetEnvironmentVariable(name) ?? otherwise;

await using var logger = new ChatLoggerClient(new()
{
    Url = new Uri(Setting("CHATLOGGER_URL")),
    Slug = Setting("CHATLOGGER_SLUG"),
    Key = Setting("CHATLOGGER_KEY"),
    OnError = error => Console.Error.WriteLine(error),
});
var model = new OpenAIClient(
    new ApiKeyCredential(Setting("OPENAI_API_KEY")),
    new() { Endpoint = new Uri(Setting("OPENAI_BASE_URL", "https://api.openai.com/v1")) });
using var client = new ChatClientBuilder(model.GetChatClient(Setting("MODEL", "gpt-5-mini")).AsIChatClient())
    .UseChatLogger(logger)
    .Build();

using var conversation = ChatLoggerScope.Begin(logger.Chat(null, new() { Title = "A bot in .NET" }));
List<ChatMessage> messages = [new(ChatRole.System, "Be brief.")];
while (Console.ReadLine() is { } question)
{
    messages.Add(new(ChatRole.User, question));
    var answer = await client.GetResponseAsync(messages);
    messages.AddRange(answer.Messages);
    Console.WriteLine(answer.Text);
}
