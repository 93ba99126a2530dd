using ChatLogger.Auth;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using NSubstitute;

namespace ChatLogger.Tests.Auth;

/// <summary>The service with a hasher that counts.</summary>
public class CountingApp : App
{
    internal IPasswordHasher Hasher { get; } = Substitute.For<IPasswordHasher>();

    /// <summary>Every hash needs renewal, and renewal fails.</summary>
    internal bool FailsToRehash { get; set; }

    protected override void Customize(WebApplicationBuilder builder)
    {
        var bcrypt = new Bcrypt(4);
        Hasher
            .Hash(Arg.Any<string>())
            .Returns(call => FailsToRehash ? throw new NpgsqlException("cut", new IOException()) : bcrypt.Hash(call.Arg<string>()));
        Hasher.Verify(Arg.Any<string>(), Arg.Any<string>()).Returns(call => bcrypt.Verify(call.ArgAt<string>(0), call.ArgAt<string>(1)));
        Hasher.NeedsRehash(Arg.Any<string>()).Returns(call => FailsToRehash || bcrypt.NeedsRehash(call.Arg<string>()));
        builder.Services.AddSingleton(Hasher);
    }
}
