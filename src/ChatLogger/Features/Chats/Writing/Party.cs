namespace ChatLogger.Features;

/// <summary>What a write came to: its fate, or why it has none.</summary>
internal readonly record struct Ending(Fate Fate, Exception? Why);

/// <summary>
/// A request that waits for many writes at once: one thing to wait for instead of a thousand. Each write has an ending of its own, and the
/// party is over with the last of them.
/// </summary>
internal sealed class Party(int size)
{
    /// <summary>For what is on its way when patience ends. Deadline and grace together stay below the five seconds that an answer may take.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(250);

    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Ending[] _endings = new Ending[size];
    private readonly IGuest[] _guests = new IGuest[size];
    private int _left = size;

    /// <summary>Somebody who is waited for, and who can be told that nobody waits any more.</summary>
    internal interface IGuest
    {
        /// <summary>Drops what has not taken off. False: it is on its way, and its end is worth waiting for a moment longer.</summary>
        bool GivesUp();

        void IsGivenUp();
    }

    /// <summary>All have to be there before anybody waits.</summary>
    public void Invite(int place, IGuest guest) => _guests[place] = guest;

    public void Ends(int place, Ending ending)
    {
        _endings[place] = ending;
        if (Interlocked.Decrement(ref _left) == 0)
            _over.SetResult();
    }

    /// <summary>The endings, in the order of the places. Never fails: with the token, who has not taken off ends, and the others soon.</summary>
    public async Task<Ending[]> Over(CancellationToken ct)
    {
        using var patience = ct.UnsafeRegister(
            static state =>
            {
                var flying = Array.FindAll(((Party)state!)._guests, guest => !guest.GivesUp());
                if (flying.Length > 0)
                    _ = Task.Delay(Grace).ContinueWith(_ => Array.ForEach(flying, guest => guest.IsGivenUp()), TaskScheduler.Default);
            },
            this);
        await _over.Task;
        return _endings;
    }
}
