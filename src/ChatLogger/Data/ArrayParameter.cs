using Npgsql;
using NpgsqlTypes;

namespace ChatLogger.Data;

/// <summary>The parameter for one column of many rows, which a statement takes as an array and unnests.</summary>
internal static class ArrayParameter
{
    public static NpgsqlParameter Of<T>(NpgsqlDbType type, T[] values) =>
        new NpgsqlParameter<T[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | type };
}
