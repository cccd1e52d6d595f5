using System.Diagnostics;
using OrleansCache.Reading;

namespace OrleansCache.Fuse.FileSystem;

/// <summary>
/// One open file: a node and its reader. Counted, because a read whose caller was interrupted may end after the last
/// close; the reader is disposed when the handle and the last such read have let go.
/// </summary>
internal sealed class OpenFile : IDisposable
{
    private int _users = 1;
    private int _closed;

    public OpenFile(FileNode node, IFileReader reader)
    {
        Node = node;
        Reader = reader;
        Interlocked.Increment(ref node.Opens);
    }

    public FileNode Node { get; }

    public IFileReader Reader { get; }

    /// <summary>Holds the reader for one read.</summary>
    /// <returns>False when it is closed already.</returns>
    public bool TryEnter()
    {
        var users = Volatile.Read(ref _users);
        while (users > 0)
        {
            var seen = Interlocked.CompareExchange(ref _users, users + 1, users);
            if (seen == users)
            {
                return true;
            }

            users = seen;
        }

        return false;
    }

    public void Exit()
    {
        var left = Interlocked.Decrement(ref _users);
        Debug.Assert(left >= 0, "An open file was let go twice.");
        if (left == 0)
        {
            Reader.Dispose();
        }
    }

    /// <summary>The handle lets go. Idempotent.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _closed, 1) == 0)
        {
            Interlocked.Decrement(ref Node.Opens);
            Exit();
        }
    }
}
