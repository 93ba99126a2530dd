using System.Text.Json.Serialization;

namespace ChatLogger.Features;

/// <summary>The shapes of the plugin door, prepared when the service is built. How they are read and written is said in <see cref="Http.Json"/>.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(CreateChat.Request), TypeInfoPropertyName = nameof(CreateChat))]
[JsonSerializable(typeof(AppendMessage.Request), TypeInfoPropertyName = nameof(AppendMessage))]
[JsonSerializable(typeof(ChangeChat.Request), TypeInfoPropertyName = nameof(ChangeChat))]
[JsonSerializable(typeof(GiveFeedback.Request), TypeInfoPropertyName = nameof(GiveFeedback))]
[JsonSerializable(typeof(WriteBatch.ChatItem), TypeInfoPropertyName = "BatchChat")]
[JsonSerializable(typeof(WriteBatch.MessageItem), TypeInfoPropertyName = "BatchMessage")]
[JsonSerializable(typeof(Chat))]
[JsonSerializable(typeof(Message))]
internal sealed partial class ChatsJson : JsonSerializerContext;
