using System.Data;
using System.Runtime.CompilerServices;
using Dapper;
using Npgsql;
using NpgsqlTypes;

namespace ChatLogger.Data;

/// <summary>
/// How Dapper maps rows to records: it matches snake_case columns to the constructor by position and name, so a select lists its columns in
/// the order of the record. This class also registers the types that Dapper does not know.
/// </summary>
internal static class DapperConventions
{
    // Runs when the program is loaded, because Dapper keeps them in static fields.
    [ModuleInitializer]
    internal static void Register()
    {
        DefaultTypeMap.MatchNamesWithUnderscores = true;
        SqlMapper.RemoveTypeMap(typeof(DateTimeOffset));
        SqlMapper.RemoveTypeMap(typeof(DateTimeOffset?));
        SqlMapper.AddTypeHandler(new Instant());
        SqlMapper.AddTypeHandler(new TextArray());
        SqlMapper.AddTypeHandler(new JsonObject());
        SqlMapper.AddTypeHandler(new JsonArray());
        SqlMapper.AddTypeHandler(new ArrayOf<Guid>(NpgsqlDbType.Uuid));
        SqlMapper.AddTypeHandler(new ArrayOf<int>(NpgsqlDbType.Integer));
        SqlMapper.AddTypeHandler(new ArrayOf<long>(NpgsqlDbType.Bigint));
    }

    /// <summary>timestamptz. Npgsql reads it as a UTC DateTime and refuses to write any other offset.</summary>
    private sealed class Instant : SqlMapper.TypeHandler<DateTimeOffset>
    {
        public override DateTimeOffset Parse(object value) => new((DateTime)value, TimeSpan.Zero);

        public override void SetValue(IDbDataParameter parameter, DateTimeOffset value) =>
            Set(parameter, value.ToUniversalTime(), NpgsqlDbType.TimestampTz);
    }

    /// <summary>text[]. Without this Dapper would expand the array into a list of parameters.</summary>
    private sealed class TextArray : SqlMapper.TypeHandler<string[]>
    {
        public override string[] Parse(object value) => (string[])value;

        public override void SetValue(IDbDataParameter parameter, string[]? value) =>
            Set(parameter, value, NpgsqlDbType.Array | NpgsqlDbType.Text);
    }

    private sealed class JsonObject : SqlMapper.TypeHandler<RawJsonObject>
    {
        public override RawJsonObject Parse(object value) => RawJsonObject.FromStored((string)value);

        public override void SetValue(IDbDataParameter parameter, RawJsonObject? value) => Set(parameter, value?.Utf8, NpgsqlDbType.Json);
    }

    private sealed class JsonArray : SqlMapper.TypeHandler<RawJsonArray>
    {
        public override RawJsonArray Parse(object value) => RawJsonArray.FromStored((string)value);

        public override void SetValue(IDbDataParameter parameter, RawJsonArray? value) => Set(parameter, value?.Utf8, NpgsqlDbType.Json);
    }

    /// <summary>uuid[], integer[] and bigint[], for the same reason as text[].</summary>
    private sealed class ArrayOf<T>(NpgsqlDbType type) : SqlMapper.TypeHandler<T[]>
    {
        public override T[] Parse(object value) => (T[])value;

        public override void SetValue(IDbDataParameter parameter, T[]? value) => Set(parameter, value, NpgsqlDbType.Array | type);
    }

    private static void Set(IDbDataParameter parameter, object? value, NpgsqlDbType type)
    {
        ((NpgsqlParameter)parameter).NpgsqlDbType = type;
        parameter.Value = value ?? DBNull.Value;
    }
}
