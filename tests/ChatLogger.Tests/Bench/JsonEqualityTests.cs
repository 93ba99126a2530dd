using System.Text.Json;
using ChatLogger.Bench;

namespace ChatLogger.Tests.Bench;

public class JsonEqualityTests
{
    [Theory]
    [InlineData("1", "1.0")]
    [InlineData("1", "1e0")]
    [InlineData("1", "10e-1")]
    [InlineData("100", "1E+2")]
    [InlineData("0.001", "1e-3")]
    [InlineData("0", "-0.00e5")]
    [InlineData("-12.50", "-1.25e1")]
    [InlineData("1e400", "10e399")]
    [InlineData("1e99999999999999999999", "10e99999999999999999998")]
    [InlineData("9007199254740993", "9007199254740993.0")]
    [InlineData("\"caf\\u00e9\"", "\"café\"")]
    [InlineData("\"a\\/b\"", "\"a/b\"")]
    [InlineData("""{"a":1,"b":[true,null]}""", """{ "b": [true, null], "a": 1.0 }""")]
    [InlineData("""{"a":{"x":1,"y":2}}""", """{"a":{"y":2,"x":1}}""")]
    [InlineData("""{"\u0061":1}""", """{"a":1}""")]
    public void One_value_in_two_spellings_is_equal(string one, string other) =>
        Assert.True(JsonEquality.AreEqual(JsonElement.Parse(one), JsonElement.Parse(other)));

    [Theory]
    [InlineData("1", "2")]
    [InlineData("1", "-1")]
    [InlineData("1", "10")]
    [InlineData("1", "\"1\"")]
    [InlineData("0.1", "0.10000000000000001")]
    [InlineData("9007199254740993", "9007199254740992")]
    [InlineData("1e400", "1e401")]
    [InlineData("true", "false")]
    [InlineData("true", "\"true\"")]
    [InlineData("null", "{}")]
    [InlineData("{}", "[]")]
    [InlineData("\"a\"", "\"A\"")]
    [InlineData("\"e\\u0301\"", "\"\\u00e9\"")]
    [InlineData("[1,2]", "[2,1]")]
    [InlineData("[1]", "[1,1]")]
    [InlineData("[[1],2]", "[[1,2]]")]
    [InlineData("""{"a":null}""", "{}")]
    [InlineData("""{"a":1}""", """{"A":1}""")]
    [InlineData("""{"a":1}""", """{"a":1,"b":1}""")]
    [InlineData("""["a\",\"b"]""", """["a","b"]""")]
    [InlineData("""{"a":"1,\"b\":2"}""", """{"a":"1","b":"2"}""")]
    public void Two_values_are_not_equal(string one, string other) =>
        Assert.False(JsonEquality.AreEqual(JsonElement.Parse(one), JsonElement.Parse(other)));

    [Fact]
    public void Metadata_that_is_absent_or_null_or_empty_is_one()
    {
        Assert.Equal("{}", JsonEquality.CanonicalMetadata(default));
        Assert.Equal("{}", JsonEquality.CanonicalMetadata(JsonElement.Parse("null")));
        Assert.Equal("{}", JsonEquality.CanonicalMetadata(JsonElement.Parse("{ }")));
        Assert.NotEqual("{}", JsonEquality.CanonicalMetadata(JsonElement.Parse("""{"a":null}""")));
    }
}
