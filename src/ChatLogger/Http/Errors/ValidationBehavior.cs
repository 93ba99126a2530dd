using FluentValidation;
using MediatR;

namespace ChatLogger.Http;

/// <summary>A MediatR behavior that validates: a command only reaches its handler if it satisfies its validator.</summary>
internal sealed class ValidationBehavior<TRequest, TResponse>(IEnumerable<IValidator<TRequest>> validators)
    : IPipelineBehavior<TRequest, TResponse>
    where TRequest : notnull
{
    public Task<TResponse> Handle(TRequest request, RequestHandlerDelegate<TResponse> next, CancellationToken cancellationToken)
    {
        foreach (var validator in validators)
        {
            var result = validator.Validate(request);
            if (!result.IsValid)
                throw ProblemException.Validation(result.Errors);
        }
        return next();
    }
}
