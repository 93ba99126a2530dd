# syntax=docker/dockerfile:1

# The dashboard: files for browsers, which are the same for every processor.
FROM --platform=$BUILDPLATFORM node:24-alpine@sha256:d32cdf619f63fe0471182d08996dd516c6275bb5fd31ae06e55a570bd9e1ad43 AS dashboard
WORKDIR /source/src/dashboard
COPY docs/openapi.json /source/docs/
COPY src/dashboard/package.json src/dashboard/package-lock.json src/dashboard/.npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci
COPY src/dashboard ./
RUN npm run build

# Built on the machine's own kind of processor and published for the image's. Tags name what the digests were when they were taken; Dependabot
# proposes newer ones.
FROM --platform=$BUILDPLATFORM mcr.microsoft.com/dotnet/sdk:10.0@sha256:e70cdb7f80b0348f5cb85f19a8f670fca061f033d57eed12fa003d58b0e06317 AS build
ARG VERSION=0.1.0
# The commit it is built from: /version tells it. The build itself does not see .git.
ARG COMMIT=
ARG TARGETARCH
ENV CI=true DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
WORKDIR /source
COPY global.json Directory.Build.props Directory.Packages.props .editorconfig ./
COPY db/migrations db/migrations
COPY docs/openapi.json docs/
COPY src src
# It is newer than its sources, so that the build takes it as it is: there is no Node here.
COPY --from=dashboard /source/src/dashboard/dist src/dashboard/dist
# Restored and published in one step: packages in a cache of the builder may be gone between two (NETSDK1064). Publishing restores once more, for the
# processor that it compiles for; what the lock files say is checked before.
RUN --mount=type=cache,target=/root/.nuget/packages \
    dotnet restore --locked-mode src/ChatLogger && \
    dotnet publish -c Release -a $TARGETARCH --self-contained false -p:RestoreLockedMode=false -p:RequireDashboard=true \
        -p:Version=$VERSION -p:SourceRevisionId=$COMMIT -o /app src/ChatLogger

# One small static program, for the health check below: it is run every few seconds, and a runtime would be started each time.
FROM busybox:1.37.0-musl@sha256:5cec3fc171c87218698e85a52af7087de727372aae264a787b8112901a5b0092 AS busybox

# The -extra variant carries ICU; there is no shell and no package manager.
FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled-extra@sha256:00e0ad6a7ef8c0c1391b87f05c7ac757a15740455688f2bfcd146a3f4b987efd
WORKDIR /app
COPY --from=busybox /bin/busybox /usr/local/bin/wget
COPY --from=build /app .
# The diagnostic port wants a socket in /tmp; without it nothing at all is written to the image's own files.
ENV ASPNETCORE_HTTP_PORTS=8080 DOTNET_EnableDiagnostics=0
EXPOSE 8080
USER $APP_UID
# Of a service that listens elsewhere: docker run --health-cmd 'wget -q -O /dev/null -T 5 http://127.0.0.1:PORT/healthz/ready'.
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 \
    CMD ["/usr/local/bin/wget", "-q", "-O", "/dev/null", "-T", "5", "http://127.0.0.1:8080/healthz/ready"]
ENTRYPOINT ["dotnet", "ChatLogger.dll"]
