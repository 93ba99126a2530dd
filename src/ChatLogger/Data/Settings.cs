using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace ChatLogger.Data;

/// <summary>Binds a section of the configuration to its record, and refuses the start when a name or a value is wrong.</summary>
internal static class Settings
{
    /// <exception cref="StartRefused">Names the setting, and what it may be.</exception>
    public static T Bind<T>(IConfiguration configuration, string section)
        where T : class, new()
    {
        T settings;
        try
        {
            settings = configuration.GetSection(section).Get<T>(options => options.ErrorOnUnknownConfiguration = true) ?? new T();
        }
        catch (InvalidOperationException exception)
        {
            throw new StartRefused($"The settings {section}__… are not valid. {Sentence(exception)}");
        }

        var results = new List<ValidationResult>();
        if (!Validator.TryValidateObject(settings, new ValidationContext(settings), results, validateAllProperties: true))
        {
            var property = typeof(T).GetProperty(results[0].MemberNames.First())!;
            var range = (RangeAttribute)property.GetCustomAttributes(typeof(RangeAttribute), true).First();
            throw new StartRefused(string.Create(CultureInfo.InvariantCulture, $"{section}__{property.Name} must be from {range.Minimum} to {range.Maximum}."));
        }
        return settings;
    }

    // The binder's messages name the key or the members, which is what an operator needs; some wrap the reason.
    private static string Sentence(Exception exception) => exception.Message.ReplaceLineEndings(" ");
}
