using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;

namespace ChatLogger.Configuration;

/// <summary>Binds a section of the configuration to its record, and fails the start when a name or a value is wrong.</summary>
internal static class Settings
{
    /// <exception cref="StartupException">Names the setting and its allowed values.</exception>
    public static T Bind<T>(IConfiguration configuration, string section)
        where T : class, new()
    {
        var given = configuration.GetSection(section);
        Check(given, typeof(T), section);
        var settings = given.Get<T>() ?? new T();

        CheckRanges(settings, section);
        return settings;
    }

    // The binder's own messages would contain the value, and name types rather than settings.
    private static void Check(IConfigurationSection given, Type type, string path)
    {
        var known = type.GetProperties().Where(property => property.SetMethod is { IsPublic: true }).ToList();
        if (!string.IsNullOrEmpty(given.Value))
            throw new StartupException($"{path} is not a setting. {Those()}");
        foreach (var child in given.GetChildren())
        {
            var name = $"{path}__{child.Key}";
            var property = known.Find(property => property.Name.Equals(child.Key, StringComparison.OrdinalIgnoreCase))
                ?? throw new StartupException($"{name} is not a setting. {Those()}");
            var value = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
            if (IsSection(value, type))
                Check(child, value, name);
            else if (child.Value is { } text && !value.IsArray && !TypeDescriptor.GetConverter(value).IsValid(text))
                throw new StartupException($"{name} must be {Expected(value)}{Bounds(property)}.");
            else if (
                value == typeof(TimeSpan)
                && long.TryParse(child.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var bare)
                && bare > 0)
                throw new StartupException(NotDays(name, bare, property));
        }

        string Those() => $"Those of {path}__… are: {string.Join(", ", known.Select(property => property.Name))}.";
    }

    // .NET parses a bare number as days, which hardly anybody intends.
    private static string NotDays(string name, long bare, PropertyInfo property)
    {
        var seconds =
            bare <= TimeSpan.MaxValue.TotalSeconds ? TimeSpan.FromSeconds(bare).ToString("c", CultureInfo.InvariantCulture) : "00:00:30";
        return $"{name} must be a duration such as 00:00:30{Bounds(property)}. A bare {bare} would be {bare} days: "
            + $"write {seconds} for seconds, or {bare}.00:00:00 for days.";
    }

    private static string Bounds(PropertyInfo property) =>
        property.GetCustomAttribute<RangeAttribute>(true) is { } range
            ? string.Create(CultureInfo.InvariantCulture, $", from {range.Minimum} to {range.Maximum}")
            : "";

    private static void CheckRanges(object settings, string path)
    {
        var results = new List<ValidationResult>();
        if (!Validator.TryValidateObject(settings, new ValidationContext(settings), results, validateAllProperties: true))
        {
            var property = settings.GetType().GetProperty(results[0].MemberNames.First())!;
            var range = (RangeAttribute)property.GetCustomAttributes(typeof(RangeAttribute), true).First();
            throw new StartupException(
                string.Create(CultureInfo.InvariantCulture, $"{path}__{property.Name} must be from {range.Minimum} to {range.Maximum}."));
        }
        foreach (var property in settings.GetType().GetProperties().Where(property => IsSection(property.PropertyType, settings.GetType())))
        {
            if (property.GetValue(settings) is { } section)
                CheckRanges(section, $"{path}__{property.Name}");
        }
    }

    // A record from this assembly is a nested section.
    private static bool IsSection(Type type, Type within) => type.IsClass && !type.IsArray && type.Assembly == within.Assembly;

    private static string Expected(Type type) =>
        type == typeof(bool) ? "true or false"
        : type == typeof(TimeSpan) ? "a duration such as 00:00:30"
        : type.IsEnum ? $"one of: {string.Join(", ", Enum.GetNames(type))}"
        : "a number";
}
