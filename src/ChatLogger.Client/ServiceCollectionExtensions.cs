using ChatLogger.Client;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the client of a Chat Logger service.</summary>
public static class ChatLoggerServiceCollectionExtensions
{
    /// <summary>The name of the client of <see cref="IHttpClientFactory"/> that sends the requests.</summary>
    public const string HttpClientName = "ChatLogger";

    /// <summary>
    /// Adds a <see cref="ChatLoggerClient"/> for the whole process, which sends what is queued when the host ends. Its requests go through
    /// <see cref="IHttpClientFactory"/>.
    /// </summary>
    /// <param name="services">The services of the host.</param>
    /// <param name="configure">Sets address, organization and key.</param>
    /// <returns>The HTTP client, for handlers and a proxy. It needs no retries: the client has its own.</returns>
    /// <exception cref="ArgumentException">When the client is asked for: a setting is missing or out of its range.</exception>
    public static IHttpClientBuilder AddChatLoggerClient(this IServiceCollection services, Action<ChatLoggerClientOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        services.AddOptions<ChatLoggerClientOptions>().Configure(configure);
        services.TryAddSingleton(provider =>
        {
            var factory = provider.GetRequiredService<IHttpClientFactory>();
            var latest = factory.CreateClient(HttpClientName);
            return new ChatLoggerClient(
                provider.GetRequiredService<IOptions<ChatLoggerClientOptions>>().Value,
                null,
                Client,
                provider.GetService<ILogger<ChatLoggerClient>>(),
                provider.GetService<TimeProvider>());

            // While the host disposes of its services the factory makes none any more, and there is still something to send.
            HttpClient Client()
            {
                try
                {
                    return latest = factory.CreateClient(HttpClientName);
                }
                catch (ObjectDisposedException)
                {
                    return latest;
                }
            }
        });
        return services.AddHttpClient(HttpClientName, http => http.Timeout = Timeout.InfiniteTimeSpan);
    }
}
