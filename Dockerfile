# syntax=docker/dockerfile:1

FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
ARG VERSION=0.1.0
ENV CI=true DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
WORKDIR /source
# What restore reads comes first, so that a change of code does not restore again.
COPY global.json Directory.Build.props Directory.Packages.props .editorconfig ./
COPY src/MediatR.Contracts/MediatR.Contracts.csproj src/MediatR.Contracts/packages.lock.json src/MediatR.Contracts/
COPY src/ChatLogger/ChatLogger.csproj src/ChatLogger/packages.lock.json src/ChatLogger/
RUN --mount=type=cache,target=/root/.nuget/packages dotnet restore --locked-mode src/ChatLogger
COPY db/migrations db/migrations
COPY src src
# Publishing restores once more, for the machine that it compiles for.
RUN --mount=type=cache,target=/root/.nuget/packages dotnet publish -c Release -p:Version=$VERSION -o /app src/ChatLogger

# The -extra variant carries the time zones, which summaries and exports are cut by, and ICU; nothing in it is a shell.
FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled-extra
WORKDIR /app
COPY --from=build /app .
# The diagnostic port wants a socket in /tmp; without it nothing at all is written to the image's own files.
ENV ASPNETCORE_HTTP_PORTS=8080 DOTNET_EnableDiagnostics=0
EXPOSE 8080
USER $APP_UID
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 CMD ["dotnet", "ChatLogger.dll", "healthcheck"]
ENTRYPOINT ["dotnet", "ChatLogger.dll"]
