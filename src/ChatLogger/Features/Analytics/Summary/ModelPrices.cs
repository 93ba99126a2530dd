namespace ChatLogger.Features;

/// <summary>The prices of an organization's models; without any, nothing has a cost.</summary>
internal sealed class ModelPrices(IReadOnlyDictionary<string, ModelPrice> prices)
{
    /// <summary>What tokens of a model cost; null: it has no price.</summary>
    public decimal? Cost(string model, long promptTokens, long completionTokens) =>
        prices.TryGetValue(model, out var price)
            ? Math.Round(
                ((promptTokens * price.Prompt) + (completionTokens * price.Completion)) / 1_000_000m, 6, MidpointRounding.AwayFromZero)
            : null;

    /// <summary>The cost of all models that have a price; null: none is set.</summary>
    public decimal? Total(IEnumerable<Summary.ModelCount> models) => prices.Count == 0 ? null : models.Sum(model => model.Cost ?? 0);
}
