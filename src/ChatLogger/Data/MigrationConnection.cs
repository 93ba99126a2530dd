using System.Data;
using DbUp.Engine;
using DbUp.Engine.Output;
using DbUp.Engine.Transactions;
using Npgsql;

namespace ChatLogger.Data;

/// <summary>
/// Makes DbUp use the connection that holds the lock: if the connection breaks, the lock is lost and nothing more is applied. DbUp's
/// own managers open a connection of their own and have one transaction mode for all scripts.
/// </summary>
internal sealed class MigrationConnection(NpgsqlConnection connection, CancellationToken ct) : IConnectionManager, IDisposable
{
    private bool _needsTransaction;

    public TransactionMode TransactionMode { get; set; }

    public bool IsScriptOutputLogged { get; set; }

    public int? ExecutionTimeoutSeconds { get; set; }

    public IDisposable OperationStarting(IUpgradeLog upgradeLog, List<SqlScript> executedScripts) => this;

    public bool TryConnect(IUpgradeLog upgradeLog, out string errorMessage)
    {
        errorMessage = "";
        return true;
    }

    // DbUp asks for a script's commands before it runs them; Npgsql splits the script itself.
    public IEnumerable<string> SplitScriptIntoCommands(string scriptContents)
    {
        // A script without a transaction must be one idempotent statement: if the process dies before the journal has its row, it runs
        // again.
        _needsTransaction = Migrator.Script.NeedsTransaction(scriptContents);
        return [scriptContents];
    }

    public void ExecuteCommandsWithManagedConnection(Action<Func<IDbCommand>> action) =>
        ExecuteCommandsWithManagedConnection(commands =>
        {
            action(commands);
            return true;
        });

    public T ExecuteCommandsWithManagedConnection<T>(Func<Func<IDbCommand>, T> actionWithResult)
    {
        ct.ThrowIfCancellationRequested();
        if (!_needsTransaction)
            return actionWithResult(connection.CreateCommand);
        using var transaction = connection.BeginTransaction();
        var result = actionWithResult(connection.CreateCommand);
        transaction.Commit();
        return result;
    }

    // The owner closes the connection.
    public void Dispose()
    {
    }
}
