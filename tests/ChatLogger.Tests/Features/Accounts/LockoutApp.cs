using ChatLogger.Auth;
using ChatLogger.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Features.Accounts;

/// <summary>The service with a hasher that a test can block while it verifies a correct password.</summary>
public class LockoutApp : ProxiedApp
{
    internal BlockingHasher Hasher { get; } = new();

    protected override void Customize(WebApplicationBuilder builder)
    {
        base.Customize(builder);
        builder.Services.AddSingleton<IPasswordHasher>(Hasher);
    }

    internal sealed class BlockingHasher : IPasswordHasher
    {
        private readonly Bcrypt _bcrypt = new(4);

        public ManualResetEventSlim Open { get; } = new(true);

        public ManualResetEventSlim Waiting { get; } = new(false);

        public string Hash(string password) => _bcrypt.Hash(password);

        public bool NeedsRehash(string hash) => _bcrypt.NeedsRehash(hash);

        public bool Verify(string password, string hash)
        {
            if (!Open.IsSet && password == Persona.Password)
            {
                Waiting.Set();
                Open.Wait(TimeSpan.FromMinutes(2));
            }
            return _bcrypt.Verify(password, hash);
        }
    }
}
