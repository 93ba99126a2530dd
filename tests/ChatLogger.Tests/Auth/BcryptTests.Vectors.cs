namespace ChatLogger.Tests.Auth;

public partial class BcryptTests
{
    [Theory]
    [InlineData("", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy")]
    [InlineData("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")]
    [InlineData("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK")]
    [InlineData("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a")]
    [InlineData("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui")]
    [InlineData("000000000000000000000000000000000000000000000000000000000000000000000000",
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.6.O1dLNbjod2uo0DVcW.jHucKbPDdHS")]
    public void The_vectors_of_Openwall_and_OpenBSD_verify(string password, string hash) => AssertOnly(password, hash);

    [Theory]
    [InlineData("", "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.")]
    [InlineData("a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe")]
    [InlineData("a", "$2a$08$cfcvVd2aQ8CMvoMpP2EBfeodLEkkFJ9umNEfPD18.hUF62qqlC/V.")]
    [InlineData("abc", "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i")]
    [InlineData("abc", "$2b$06$5FyQoicpbox1xSHFfhhdXuR2oxLpO1rYsQh5RTkI/9.RIjtoF0/ta")]
    [InlineData("abc", "$2y$06$ACfku9dT6.H8VjdKb8nhluaoBmhJyK7GfoNScEfOfrJffUxoUeCjK")]
    [InlineData("abcdefghijklmnopqrstuvwxyz", "$2a$06$.rCVZVOThsIa97pEDOxvGuRRgzG64bvtJ0938xuqzv18d3ZpQhstC")]
    [InlineData("abcdefghijklmnopqrstuvwxyz", "$2b$06$O8E89AQPj1zJQA05YvIAU.hMpj25BXri1bupl/Q7CJMlpLwZDNBoO")]
    [InlineData("abcdefghijklmnopqrstuvwxyz", "$2y$06$34MG90ZLah8/ZNr3ltlHCuz6bachF8/3S5jTuzF1h2qg2cUk11sFW")]
    [InlineData("~!@#$%^&*()      ~!@#$%^&*()PNBFRD", "$2a$06$fPIsBO8qRqkjj273rfaOI.HtSV9jLDpTbZn782DC6/t7qT67P6FfO")]
    [InlineData("~!@#$%^&*()      ~!@#$%^&*()PNBFRD", "$2b$06$FGWA8OlY6RtQhXBXuCJ8WusVipRI15cWOgJK8MYpBHEkktMfbHRIG")]
    [InlineData("~!@#$%^&*()      ~!@#$%^&*()PNBFRD", "$2y$06$sYDFHqOcXTjBgOsqC0WCKeMd3T1UhHuWQSxncLGtXDLMrcE6vFDti")]
    public void The_vectors_of_jBCrypt_and_its_ports_verify(string password, string hash) => AssertOnly(password, hash);

    [Theory]
    [InlineData("£", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.crQZGxQ7hWEf.fNKRjrYcudfgPvGbVK")]
    [InlineData("ё", "$2b$05$6bNw2HLQYeqHYyBfLMsv/OUcZd0LKP39b87nBw3.S2tVZSqiQX6eu")]
    [InlineData("táБℓə", "$2a$05$Z17AXnnlpzddNUvnC6cZNOSwMA/8oNiKnHTHTwLlBijfucQQlHjaG")]
    [InlineData("пароль", "$2b$06$abcdefghijklmnopqrstuu0RbYLPpyLm/x71XGmlHQAdqmD5AbL2G")]
    [InlineData("ππππππππ", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.Sjfqsfn9u716BjyFYpBYQcmv9mGFCeG")]
    [InlineData("😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀", "$2y$05$abcdefghijklmnopqrstuu4xFvsxskrH6AfMf.1qPbmaZiEfT8zYa")]
    public void Letters_beyond_ASCII_count_as_their_UTF8_bytes(string password, string hash) => AssertOnly(password, hash);

    // Hashes of an earlier version, which databases still contain.
    [Theory]
    [InlineData("", "$2a$04$T6Tj5MkfB7MwV86FWYOcsu6Z0P4K88RnebP.hgyzLg0k3UTaW8dhC")]
    [InlineData("twelve chars", "$2a$04$UwuMd4LjU4Fvpe55s6wLTuapx0Srn.oCu.v8JS3mySGRMurAjMREe")]
    [InlineData("пароль из шести слов", "$2a$04$8nUV1WVavgTr2MJI7LgKVuIDLEfwhq/njyTWfP1jrI3FukB0W9Y9i")]
    [InlineData("€€€€€€€€€€€€€€€€€€€€€€€€", "$2a$04$ALXq3jZPL.Dd44Day1VuYO5JvQMZ3RhGi1cjIw0B7cixg96eMCT9S")]
    [InlineData("correct horse battery staple", "$2a$05$sUnWwx5gV/JfDHIjq0v0PeODRTMAADIzU.8DVJ0GjdjWGuV3GJgJC")]
    [InlineData("密码🔑 with a key", "$2a$06$l12ZzbBjmL83OCbCWUkxgeJgF/RZCaDfN8IKNpqV3yDOXAAvrFNAa")]
    [InlineData(
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxä",
        "$2a$07$.Ay.SNLuLfoEm7C3YzkvUOCZqXEpIAofySuKHVm8zoGoXl8FPy1OO"
    )]
    [InlineData(
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        "$2a$08$evTWTBmkJziGpw7Xze9xmO5Zp4Cl1amLoC0xRbvMVqrmBWzqyKw5K"
    )]
    [InlineData("a password of today's cost", "$2a$11$wtf9rFp1ezN4jkBkKRBAl.jUZkATgUzHBO0OVVL6f5ZJGbtaIYZmK")]
    public void A_hash_that_an_earlier_version_stored_verifies(string password, string hash)
    {
        AssertOnly(password, hash);
        Assert.False(Quick.NeedsRehash(hash));
    }

    private static void AssertOnly(string password, string hash)
    {
        Assert.True(Quick.Verify(password, hash));
        Assert.False(Quick.Verify(password.Length == 0 ? "x" : password[..^1], hash));
    }
}
