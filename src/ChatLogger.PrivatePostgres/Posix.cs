using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;

namespace ChatLogger.PrivatePostgres;

/// <summary>
/// The system calls that .NET does not offer. None is for Windows; <see cref="Stat"/> and <see cref="As"/> are for Linux only.
/// </summary>
internal static class Posix
{
    public const int Quit = 3;
    public const int Kill = 9;

    private const int CurrentDirectory = -100; // AT_FDCWD
    private const int NoFollow = 0x100; // AT_SYMLINK_NOFOLLOW
    private const uint BasicStats = 0x7ff; // STATX_BASIC_STATS

    public readonly record struct Entry(uint Uid, int Mode, ulong Inode, ulong Device)
    {
        public bool IsDirectory => (Mode & 0xF000) == 0x4000;

        public int Permissions => Mode & 0xFFF;

        public bool IsSameAs(Entry other) => (Inode, Device) == (other.Inode, other.Device);
    }

    public static uint EffectiveUser => geteuid();

    public static bool Signal(int pid, int signal) => kill(pid, signal) == 0;

    /// <summary>Whether the process exists; also true for a zombie and for a process of another user.</summary>
    public static bool Exists(int pid) => pid > 0 && (kill(pid, 0) == 0 || Marshal.GetLastPInvokeError() == 1 /* EPERM */);

    /// <summary>
    /// Returns the entry at this path, or null if it is missing or not accessible. It uses statx, because the layout of stat differs by
    /// architecture.
    /// </summary>
    public static Entry? Stat(string path, bool follow)
    {
        return statx(CurrentDirectory, Encode(path), follow ? 0 : NoFollow, BasicStats, out var found) == 0
            ? new Entry(found.Uid, found.Mode, found.Inode, ((ulong)found.DeviceMajor << 32) | found.DeviceMinor)
            : null;
    }

    public static void ChangeOwner(string path, uint uid, uint gid)
    {
        if (lchown(Encode(path), uid, gid) != 0)
            throw new IOException($"{path} cannot be given to user {uid}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}.");
    }

    public static string RealPath(string path)
    {
        var buffer = new byte[4096]; // PATH_MAX
        return realpath(Encode(path), buffer) == IntPtr.Zero ? path : Encoding.UTF8.GetString(buffer, 0, Array.IndexOf(buffer, (byte)0));
    }

    /// <summary>Syncs a directory: a rename is durable only when the directory that contains the name is synced.</summary>
    public static void SyncDirectory(string path)
    {
        var descriptor = open(Encode(path), 0);
        if (descriptor < 0)
            return;
        _ = fsync(descriptor);
        _ = close(descriptor);
    }

    /// <summary>
    /// Accesses the file system as another user. Root needs this for /proc/PID/cwd: in a container it usually lacks CAP_SYS_PTRACE and may
    /// not read the working directory of another user's process.
    /// </summary>
    public static T As<T>(uint uid, uint gid, Func<T> look)
    {
        if (EffectiveUser != 0)
            return look();
        // These two apply to the calling thread only, so nothing may be awaited in between.
        var (formerGroup, formerUser) = (setfsgid(gid), setfsuid(uid));
        try
        {
            return look();
        }
        finally
        {
            _ = setfsuid((uint)formerUser);
            _ = setfsgid((uint)formerGroup);
        }
    }

    private static byte[] Encode(string path) => Encoding.UTF8.GetBytes(path + '\0');

    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Statx
    {
        [FieldOffset(20)] public uint Uid;
        [FieldOffset(28)] public ushort Mode;
        [FieldOffset(32)] public ulong Inode;
        [FieldOffset(136)] public uint DeviceMajor;
        [FieldOffset(140)] public uint DeviceMinor;
    }

#pragma warning disable IDE1006, CA5392 // The names are the C library's, and it is found before any search begins.
    [DllImport("libc")]
    private static extern uint geteuid();

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int pid, int signal);

    [DllImport("libc", SetLastError = true)]
    private static extern int lchown(byte[] path, uint uid, uint gid);

    [DllImport("libc", SetLastError = true)]
    private static extern int statx(int directory, byte[] path, int flags, uint mask, out Statx found);

    [DllImport("libc")]
    private static extern IntPtr realpath(byte[] path, byte[] resolved);

    [DllImport("libc")]
    private static extern int open(byte[] path, int flags);

    [DllImport("libc")]
    private static extern int fsync(int descriptor);

    [DllImport("libc")]
    private static extern int close(int descriptor);

    [DllImport("libc")]
    private static extern int setfsuid(uint uid);

    [DllImport("libc")]
    private static extern int setfsgid(uint gid);
#pragma warning restore IDE1006, CA5392
}
