using System.Runtime.CompilerServices;
using System.Text.Json.Serialization;
using ChatLogger.Http;

namespace ChatLogger.Features;

/// <summary>JSON metadata of the types of the plugin API, generated at compile time. <see cref="Json"/> has the options.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(CreateChat.Request), TypeInfoPropertyName = nameof(CreateChat))]
[JsonSerializable(typeof(AppendMessage.Request), TypeInfoPropertyName = nameof(AppendMessage))]
[JsonSerializable(typeof(ChangeChat.Request), TypeInfoPropertyName = nameof(ChangeChat))]
[JsonSerializable(typeof(GiveFeedback.Request), TypeInfoPropertyName = nameof(GiveFeedback))]
[JsonSerializable(typeof(WriteBatch.ChatItem), TypeInfoPropertyName = "BatchChat")]
[JsonSerializable(typeof(WriteBatch.FeedbackItem), TypeInfoPropertyName = "BatchFeedback")]
[JsonSerializable(typeof(WriteBatch.MessageItem), TypeInfoPropertyName = "BatchMessage")]
[JsonSerializable(typeof(CreateChat.MemberRequest), TypeInfoPropertyName = "MemberCreateChat")]
[JsonSerializable(typeof(AppendMessage.MemberRequest), TypeInfoPropertyName = "MemberAppendMessage")]
[JsonSerializable(typeof(Chat))]
[JsonSerializable(typeof(ExistingChat))]
[JsonSerializable(typeof(Message))]
internal sealed partial class ChatsJson : JsonSerializerContext
{
    // Runs when the program is loaded, and so before anything is serialized.
    [ModuleInitializer]
    internal static void Register() => Json.Prefer(Default);
}
