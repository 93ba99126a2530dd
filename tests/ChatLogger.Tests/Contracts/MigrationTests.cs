using ChatLogger.Configuration;
using ChatLogger.Data;
using Dapper;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace ChatLogger.Tests.Contracts;

/// <summary>Scripts run once, whole or not at all, however many start at once and however they end.</summary>
public sealed class MigrationTests : IAsyncLifetime, IDisposable
{
    private static readonly Migrator.Script Table = new(
        "0001_table.sql",
        "create table t (a int constraint t_a_check check (a > 0)); insert into t values (1);");
    private static readonly Migrator.Script Column = new("0002_column.sql", "alter table t add column b int;");
    private string _database = null!;
    private NpgsqlConnection _db = null!;

    public async Task InitializeAsync()
    {
        _database = await TestServer.EmptyDatabase();
        _db = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(_database) { Pooling = false }.ConnectionString);
        await _db.OpenAsync();
    }

    public Task DisposeAsync() => TestServer.Drop(_database);

    public void Dispose() => _db.Dispose();

    [Fact]
    public async Task Eight_at_once_on_an_empty_database_run_each_script_once()
    {
        var counts = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Migrate([.. Migrator.Embedded]))));

        Assert.Equal(Migrator.Embedded.Count, counts.Sum());
        Assert.Equal(7, counts.Count(count => count == 0));
        Assert.Equal(Migrator.Embedded.Select(script => script.Name), await Journal());
        Assert.Equal(0, await Migrate([.. Migrator.Embedded]));
    }

    [Fact]
    public async Task The_journal_is_DbUps_with_two_columns_beside_it()
    {
        await Migrate(Table);

        var columns = await _db.QueryAsync<(string, string, string)>(
            "select column_name::text, data_type::text, is_nullable::text from information_schema.columns where table_name = "
                + "'schemaversions' order by ordinal_position");
        Assert.Equal(
            [
                ("schemaversionsid", "integer", "NO"),
                ("scriptname", "character varying", "NO"),
                ("applied", "timestamp without time zone", "NO"),
                ("checksum", "character varying", "YES"),
                ("compatible", "boolean", "YES"),
            ],
            columns);
        Assert.Equal(
            1,
            await _db.ExecuteScalarAsync<int>(
                "select schemaversionsid from schemaversions where applied between (now() at time zone 'UTC') - interval '1 minute' and "
                    + "(now() at time zone 'UTC')"));
    }

    [Fact]
    public async Task A_journal_that_DbUp_wrote_is_adopted()
    {
        await _db.ExecuteAsync(
            """
            create table schemaversions (
                schemaversionsid serial not null,
                scriptname character varying(255) not null,
                applied timestamp without time zone not null,
                constraint "PK_schemaversions_Id" primary key (schemaversionsid));
            insert into schemaversions (scriptname, applied) values ('0001_table.sql', now());
            create table t (a int);
            """);

        Assert.Equal(1, await Migrate(Table, Column));
        Assert.Equal([Table.Name, Column.Name], await Journal());
    }

    [Fact]
    public async Task An_edited_script_is_refused_but_not_one_whose_lines_end_differently()
    {
        await Migrate(Table with { Text = "create table t (a int);\ncreate table u (a int);" });

        Assert.Equal(0, await Migrate(Table with { Text = "create table t (a int);\r\ncreate table u (a int);" }));
        var refusal = await Assert.ThrowsAsync<StartupException>(() => Migrate(Table with { Text = "create table t (a bigint);" }, Column));
        Assert.Contains(Table.Name, refusal.Message, StringComparison.Ordinal);
        Assert.Equal([Table.Name], await Journal());
    }

    [Fact]
    public async Task A_newer_database_is_refused_with_a_sentence_and_left_alone()
    {
        await Migrate(Table, Column);

        var refusal = await Assert.ThrowsAsync<StartupException>(() =>
            Migrate(Table, new("0003_other.sql", "create table other (a int);")));

        Assert.Contains("newer", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(Column.Name, refusal.Message, StringComparison.Ordinal);
        Assert.Equal([Table.Name, Column.Name], await Journal());
        Assert.False(await Exists("other"));
    }

    [Theory]
    [InlineData("-- Adds a column.\n-- compatible\n", true)]
    [InlineData("-- compatible\n", true)]
    [InlineData("-- This is compatible\n", false)]
    public async Task One_version_back_can_run_on_a_newer_database_whose_migrations_are_recorded_as_compatible(string header, bool starts)
    {
        await Migrate(Table, Column with { Text = header + Column.Text });

        if (starts)
            Assert.Equal(0, await Migrate(Table));
        else
            await Assert.ThrowsAsync<StartupException>(() => Migrate(Table));
        Assert.Equal([Table.Name, Column.Name], await Journal());
    }

    [Fact]
    public async Task A_newer_version_that_is_compatible_in_part_is_refused_for_the_rest()
    {
        await Migrate(Table, Column with { Text = "-- compatible\n" + Column.Text }, new("0003_drop.sql", "alter table t drop column a;"));

        var refusal = await Assert.ThrowsAsync<StartupException>(() => Migrate(Table));
        Assert.Contains("0003_drop.sql", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_script_that_fails_leaves_nothing_of_itself_and_is_tried_again()
    {
        var broken = new Migrator.Script("0002_column.sql", "create table half (a int); insert into t values (0);");

        await Assert.ThrowsAsync<PostgresException>(() => Migrate(Table, broken, new("0003_last.sql", "create table last (a int);")));
        Assert.Equal([Table.Name], await Journal());
        Assert.False(await Exists("half"));
        Assert.False(await Exists("last"));

        Assert.Equal(1, await Migrate(Table, Column));
        Assert.Equal([Table.Name, Column.Name], await Journal());
    }

    [Fact]
    public async Task A_script_and_its_journal_row_are_committed_together()
    {
        await Migrate(Table);
        await _db.ExecuteAsync("alter table schemaversions add constraint closed check (scriptname <> '0002_column.sql')");

        await Assert.ThrowsAsync<PostgresException>(() => Migrate(Table, Column));

        Assert.False(
            await _db.ExecuteScalarAsync<bool>("select exists (select from pg_attribute where attrelid = 't'::regclass and attname = 'b')")
        );
        Assert.Equal([Table.Name], await Journal());
    }

    [Fact]
    public async Task The_body_of_a_function_may_be_quoted_with_dollars()
    {
        await Migrate(
            new Migrator.Script(
                "0001_function.sql",
                "create function f() returns text language sql as $body$ select 'a;b' $body$; create table t (a int);"));

        Assert.Equal("a;b", await _db.ExecuteScalarAsync<string>("select f()"));
    }

    [Fact]
    public async Task An_index_is_built_concurrently_while_eight_wait_for_it()
    {
        var index = new Migrator.Script("0002_index.sql", "-- no-transaction\ncreate index concurrently t_a_idx on t (a);");
        var pace = LoadAwareStopwatch.Start();

        var counts = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Migrate(Table, index))));

        Assert.Equal(2, counts.Sum());
        await pace.Within(30);
        Assert.True(await _db.ExecuteScalarAsync<bool>("select indisvalid from pg_index where indexrelid = 't_a_idx'::regclass"));
    }

    [Fact]
    public async Task A_cancelled_migration_stops_waiting_for_the_lock()
    {
        // The migration waits until this test releases the lock.
        await _db.ExecuteAsync("select pg_advisory_lock(1)");
        var slow = Task.Run(() =>
            Migrate(
                new Migrator.Script(
                    "0001_slow.sql",
                    "do $$ begin while not pg_try_advisory_xact_lock(1) loop perform pg_sleep(0.01); end loop; end $$;")));
        await Until("select exists (select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep')");
        using var stop = new CancellationTokenSource(300);
        var pace = LoadAwareStopwatch.Start();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            new Migrator(_database, NullLogger.Instance, [Table]).Run(stop.Token));

        await pace.Within(1.2);
        Assert.False(slow.IsCompleted);
        await _db.ExecuteAsync("select pg_advisory_unlock(1)");
        Assert.Equal(1, await slow);
    }

    [Fact]
    public async Task A_migrator_that_is_killed_in_the_middle_leaves_no_half_schema_and_the_next_one_goes_on()
    {
        Migrator.Script[] scripts =
        [
            Table,
            new("0002_half.sql", "create table half (a int); select pg_sleep(30); create table other (a int);"),
        ];
        var killed = Task.Run(() => Migrate(scripts));
        await Until("select exists (select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep')");
        var next = Task.Run(() => Migrate(scripts[0], scripts[1] with { Text = "create table half (a int);" }));

        await _db.ExecuteAsync(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'");

        await Assert.ThrowsAnyAsync<NpgsqlException>(() => killed);
        Assert.Equal(1, await next);
        Assert.Equal(scripts.Select(script => script.Name), await Journal());
        Assert.True(await Exists("half"));
        Assert.False(await Exists("other"));
    }

    private Task<int> Migrate(params Migrator.Script[] scripts) =>
        new Migrator(_database, NullLogger.Instance, scripts).Run(CancellationToken.None);

    private Task<IEnumerable<string>> Journal() =>
        _db.QueryAsync<string>("select scriptname from schemaversions order by schemaversionsid");

    private Task<bool> Exists(string table) =>
        _db.ExecuteScalarAsync<bool>("select to_regclass(@Table) is not null", new { Table = table });

    private Task Until(string condition) => Wait.Until(() => _db.ExecuteScalarAsync<bool>(condition), condition);
}
