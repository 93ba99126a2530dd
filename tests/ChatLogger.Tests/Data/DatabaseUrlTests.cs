using ChatLogger.Configuration;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Tests.Data;

public class DatabaseUrlTests
{
    [Theory]
    [InlineData("postgres://ada:secret@db.example:6432/chat", "Host=db.example;Port=6432;Username=ada;Password=secret;Database=chat")]
    [InlineData("postgresql://ada:secret@db.example/chat", "Host=db.example;Username=ada;Password=secret;Database=chat")]
    [InlineData("postgres://ada@db.example/chat", "Host=db.example;Username=ada;Database=chat")]
    [InlineData("postgres://db.example", "Host=db.example")]
    [InlineData(
        "postgres://ada:p%40ss%2Fw%3Ard%25%3B%20%C3%A9'=@db/chat",
        "Host=db;Username=ada;Password=\"p@ss/w:rd%; é'=\";Database=chat"
    )]
    [InlineData("postgres://a%40da:a+b@db/my%20chat", "Host=db;Username=a@da;Password=a+b;Database=my chat")]
    [InlineData("postgres://ada:secret@[2001:db8::1]:5433/chat", "Host=2001:db8::1;Port=5433;Username=ada;Password=secret;Database=chat")]
    [InlineData("postgres://ada@/chat?host=/var/run/postgresql", "Host=/var/run/postgresql;Username=ada;Database=chat")]
    [InlineData("postgres:///chat?host=%2Ftmp%2Fpg&port=5433&user=ada", "Host=/tmp/pg;Port=5433;Username=ada;Database=chat")]
    [InlineData(
        "postgres://ada@one,two/chat?target_session_attrs=read-write",
        "Host=one,two;Username=ada;Database=chat;Target Session Attributes=read-write"
    )]
    [InlineData("postgres://db/chat?sslmode=require", "Host=db;Database=chat;SSL Mode=Require")]
    [InlineData(
        "postgres://db/chat?sslmode=verify-full&sslrootcert=%2Fca.pem",
        "Host=db;Database=chat;SSL Mode=VerifyFull;Root Certificate=/ca.pem"
    )]
    [InlineData(
        "postgres://db/chat?sslmode=disable&connect_timeout=7&application_name=my%20app",
        "Host=db;Database=chat;SSL Mode=Disable;Timeout=7;Application Name=my app"
    )]
    [InlineData("postgres://db/chat?options=-c%20search_path%3Dchat", "Host=db;Database=chat;Options=-c search_path=chat")]
    [InlineData(
        "postgres://db/chat?channel_binding=require&Maximum%20Pool%20Size=7",
        "Host=db;Database=chat;Channel Binding=Require;Maximum Pool Size=7"
    )]
    [InlineData("postgres://ada@one:5433,two:5434/chat", "Host=one:5433,two:5434;Username=ada;Database=chat")]
    [InlineData(
        "postgres://ada@[::1]:5433,two/chat?load_balance_hosts=random",
        "Host=[::1]:5433,two;Username=ada;Database=chat;Load Balance Hosts=True"
    )]
    [InlineData(
        "postgres://db/chat?sslmode=verify-ca&sslnegotiation=direct&gssencmode=disable",
        "Host=db;Database=chat;SSL Mode=VerifyCA;SSL Negotiation=Direct;GSS Encryption Mode=Disable"
    )]
    [InlineData(
        "postgres://db/chat?sslmode=require&sslrootcert=%2Fca.pem",
        "Host=db;Database=chat;SSL Mode=VerifyCA;Root Certificate=/ca.pem"
    )]
    [InlineData("postgres://db/chat?sslrootcert=system&sslmode=verify-full", "Host=db;Database=chat;SSL Mode=VerifyFull")]
    [InlineData(
        "postgres://db/chat?keepalives=1&keepalives_idle=60&keepalives_interval=10",
        "Host=db;Database=chat;TCP Keepalive=True;TCP Keepalive Time=60;TCP Keepalive Interval=10"
    )]
    [InlineData(
        "postgres://db/chat?ssl=true&client_encoding=UTF8&krbsrvname=pg&require_auth=scram-sha-256",
        "Host=db;Database=chat;SSL Mode=Require;Client Encoding=UTF8;Kerberos Service Name=pg;Require Auth=ScramSHA256"
    )]
    public void A_url_says_the_same_as_a_connection_string(string url, string connectionString)
    {
        var read = new NpgsqlConnectionStringBuilder(DatabaseUrl.ToConnectionString("DATABASE_URL", url));

        Assert.True(read.EquivalentTo(new NpgsqlConnectionStringBuilder(connectionString)), read.ConnectionString);
    }

    [Theory]
    [InlineData("postgres://ada:hunter2@db/chat?colour=blue", "colour")]
    [InlineData("postgres://ada:hunter2@db/chat?sslmode=hunter2", "sslmode")]
    [InlineData("postgres://ada:hunter2@db/chat?port=hunter2", "port")]
    [InlineData("postgres://ada:hunter2@db/chat?connect_timeout=-1", "connect_timeout")]
    [InlineData("postgres://ada:hunter2@db/chat?sslmode", "postgres://user:password@host:5432/database")]
    [InlineData("postgres://ada:hunter2@db:99999/chat", "postgres://user:password@host:5432/database")]
    [InlineData("postgres://ada:hunter2@db:port/chat", "postgres://user:password@host:5432/database")]
    [InlineData("postgres://ada:hunter2@/chat", "postgres://user:password@host:5432/database")]
    [InlineData("postgres://ada:hun/ter2@db/chat", "postgres://user:password@host:5432/database")]
    [InlineData("postgres://ada:hun@ter2@db/chat", "write @ as %40")]
    [InlineData("postgres://ada:5/hunter2@db", "write @ as %40")]
    [InlineData("postgres://ada:5?hunter2=1@db/chat", "write @ as %40")]
    [InlineData(
        "postgres://ada:hunter2@db/chat?sslnegotiation=hunter2",
        "sslnegotiation a value that it does not take; it takes postgres and direct"
    )]
    [InlineData("postgres://ada:hunter2@db/chat?sslmode=3", "sslmode a value that it does not take")]
    [InlineData("postgres://ada:hunter2@db/chat?target_session_attrs=hunter2", "target_session_attrs")]
    [InlineData("postgres://ada:hunter2@db/chat?channel_binding=hunter2", "channel_binding")]
    [InlineData("postgres://ada:hunter2@db/chat?keepalives=yes", "keepalives")]
    [InlineData("postgres://ada:hunter2@db/chat?tcp_user_timeout=1", "no counterpart here: tcp_user_timeout")]
    [InlineData("postgres://ada:hunter2@db/chat?sslcrl=x", "no counterpart here: sslcrl")]
    [InlineData("postgres://ada:hunter2@db/chat?Maximum%20Pool%20Size=hunter2", "Maximum Pool Size")]
    [InlineData("postgres://ada:hunter2@db/chat?Pooling=hunter2", "Pooling")]
    [InlineData("postgres://ada:hunter2%00@db/chat", "NUL (%00)")]
    [InlineData("postgres://ada:hunter2@db%00/chat", "NUL (%00)")]
    [InlineData("mysql://ada:hunter2@db/chat", "postgres://user:password@host:5432/database")]
    public void Unknown_parameters_are_named_without_the_password(string url, string named)
    {
        var refusal = Assert.Throws<StartupException>(() => DatabaseUrl.ToConnectionString("DATABASE_URL", url));

        Assert.StartsWith("DATABASE_URL ", refusal.Message);
        Assert.Contains(named, refusal.Message);
        Assert.DoesNotContain("hunter2", refusal.Message);
        Assert.Null(refusal.InnerException);
    }
}
