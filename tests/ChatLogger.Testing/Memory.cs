namespace ChatLogger.Testing;

/// <summary>
/// Where tests keep the files of their databases. A run has some hundreds of thousands of small ones that live for seconds: in
/// memory, where there is plenty of it, they cause no disk writes.
/// </summary>
internal static class Memory
{
    private const string Folder = "/dev/shm";
    private const long Enough = 4L << 30;

    public static string Directory { get; } =
        System.IO.Directory.Exists(Folder)
        && new DriveInfo(Folder).AvailableFreeSpace >= Enough
        && GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >= 2 * Enough
            ? Folder
            : Path.GetTempPath();
}
