using System.Reflection;
using ChatLogger.Http;
using ChatLogger.PrivatePostgres;
using Microsoft.Extensions.Logging;

namespace ChatLogger.Tests.Telemetry;

public class LogMessageTests
{
    [Fact]
    public void No_message_takes_what_may_be_nothing_for_its_template_would_say_null()
    {
        var context = new NullabilityInfoContext();
        const BindingFlags Declared =
            BindingFlags.Static | BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly;
        var methods = new[] { typeof(Limits).Assembly, typeof(PrivateDatabase).Assembly }
            .SelectMany(assembly => assembly.GetTypes())
            .SelectMany(type => type.GetMethods(Declared))
            .Where(method => method.GetCustomAttribute<LoggerMessageAttribute>() is not null)
            .ToList();

        Assert.True(methods.Count > 30, "The messages are no longer found where they were looked for.");
        Assert.All(
            methods,
            method =>
                Assert.All(
                    method.GetParameters().Where(parameter => !typeof(Exception).IsAssignableFrom(parameter.ParameterType)),
                    parameter =>
                        Assert.True(
                            context.Create(parameter).ReadState == NullabilityState.NotNull,
                            $"{method.DeclaringType}.{method.Name}: {parameter.Name} may be null.")));
    }
}
