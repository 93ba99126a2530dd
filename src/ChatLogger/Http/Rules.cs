using System.Runtime.CompilerServices;
using System.Text;
using ChatLogger.Data;
using FluentValidation;

namespace ChatLogger.Http;

/// <summary>Validation rules that several slices share, with their messages. All accept null, except <see cref="Required"/>.</summary>
internal static class Rules
{
    /// <summary>Reports member paths as callers write them, and keeps messages in English whatever the process's culture.</summary>
    // Runs when the program is loaded, because FluentValidation keeps these options in static fields.
    [ModuleInitializer]
    internal static void SetConventions()
    {
        ValidatorOptions.Global.LanguageManager.Enabled = false;
        ValidatorOptions.Global.PropertyNameResolver = (_, member, expression) =>
        {
            var chain = FluentValidation.Internal.PropertyChain.FromExpression(expression);
            var name = chain.Count > 0 ? chain.ToString() : member?.Name;
            return name is null ? null : string.Join('.', name.Split('.').Select(part => char.ToLowerInvariant(part[0]) + part[1..]));
        };
    }

    public static IRuleBuilderOptions<T, TProperty> Required<T, TProperty>(this IRuleBuilder<T, TProperty> rule) =>
        rule.Must(value => value is not (null or "")).WithMessage("Is required.");

    public static IRuleBuilderOptions<T, string?> AtMostCharacters<T>(this IRuleBuilder<T, string?> rule, int most) =>
        rule.Must(text => text is null || Text.Length(text) <= most).WithMessage($"May have at most {most} characters.");

    public static IRuleBuilderOptions<T, string?> AtMostBytes<T>(this IRuleBuilder<T, string?> rule, int most) =>
        rule.Must(text => text is null || Encoding.UTF8.GetByteCount(text) <= most).WithMessage($"May have at most {most} bytes in UTF-8.");

    public static IRuleBuilderOptions<T, int?> Between<T>(this IRuleBuilder<T, int?> rule, int least, int most) =>
        rule.Must(number => number is null || (number >= least && number <= most)).WithMessage($"Must be from {least} to {most}.");

    /// <summary>Validates the page size.</summary>
    public static IRuleBuilderOptions<T, int?> PageLimit<T>(this IRuleBuilder<T, int?> rule) => rule.Between(1, Page.MaxLimit);
}
