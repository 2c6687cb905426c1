using Microsoft.Data.Sqlite;

namespace PhotoDesk;

/// <summary>
/// Migrates a database to the newest version (<c>PRAGMA user_version</c>) by scripts, each in a transaction. A database with content is
/// backed up first. Never change a released script: add a new one.
/// </summary>
internal static class Migrations
{
    /// <summary>Script i migrates from version i to i + 1.</summary>
    public static IReadOnlyList<string> Scripts { get; } =
    [
        """
        CREATE TABLE models (
            id INTEGER PRIMARY KEY, created_at INTEGER NOT NULL, training_id INTEGER,
            accuracy REAL NOT NULL, f1 REAL NOT NULL, held_out INTEGER NOT NULL, corrections INTEGER NOT NULL);

        -- The newest that was not undone is served; the one before is what a roll back goes to.
        CREATE TABLE activations (
            id INTEGER PRIMARY KEY, model_id INTEGER NOT NULL REFERENCES models, activated_at INTEGER NOT NULL, undone_at INTEGER);

        CREATE TABLE photos (
            id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, added_at INTEGER NOT NULL,
            origin TEXT NOT NULL CHECK (origin IN ('embedded', 'upload')),
            media_type TEXT NOT NULL, hash BLOB NOT NULL, side TEXT NOT NULL CHECK (side IN ('Training', 'Validation', 'HeldOut')),
            model_id INTEGER REFERENCES models, predicted_label TEXT, probabilities TEXT, rejected INTEGER NOT NULL DEFAULT 0,
            label TEXT, labelled_at INTEGER);
        CREATE INDEX photos_labelled ON photos (origin, label);

        -- Each content once; of photos that are the same, the label that a person gave last.
        CREATE VIEW labelled AS SELECT id, name, origin, side, label FROM (
            SELECT *, row_number() OVER (PARTITION BY hash ORDER BY labelled_at IS NULL, labelled_at DESC, id DESC) AS place
            FROM photos WHERE label IS NOT NULL) WHERE place = 1;

        -- Apart from the photos: a list or a label touches no BLOB.
        CREATE TABLE files (
            photo_id INTEGER PRIMARY KEY REFERENCES photos ON DELETE CASCADE, content BLOB NOT NULL, thumbnail BLOB NOT NULL);

        CREATE TABLE trainings (
            id INTEGER PRIMARY KEY AUTOINCREMENT, state TEXT NOT NULL, created_at INTEGER NOT NULL, ended_at INTEGER,
            base_model_id INTEGER NOT NULL REFERENCES models,
            epoch INTEGER NOT NULL DEFAULT 0, epochs INTEGER NOT NULL, settings TEXT NOT NULL, history TEXT NOT NULL DEFAULT '[]',
            message TEXT, model_id INTEGER REFERENCES models,
            starts INTEGER NOT NULL DEFAULT 0);
        CREATE UNIQUE INDEX one_training_at_a_time ON trainings ((1)) WHERE state IN ('Queued', 'Running', 'Stopping');

        -- What an unfinished training learns from, so that it goes on with the same after a restart.
        -- The reference keeps such photos from being deleted.
        CREATE TABLE training_rows (
            training_id INTEGER NOT NULL REFERENCES trainings, photo_id INTEGER NOT NULL REFERENCES photos, label TEXT NOT NULL,
            PRIMARY KEY (training_id, photo_id)) WITHOUT ROWID;

        -- What a model says of a photo that is held out.
        CREATE TABLE judgements (
            model_id INTEGER NOT NULL REFERENCES models, photo_id INTEGER NOT NULL REFERENCES photos ON DELETE CASCADE,
            predicted_label TEXT NOT NULL, PRIMARY KEY (model_id, photo_id)) WITHOUT ROWID;
        """,
        """
        -- Set where the file was cleaned away. The row stays: photos name the model that has answered.
        ALTER TABLE models ADD COLUMN deleted_at INTEGER;
        """,
    ];

    /// <exception cref="InvalidDataException">The database was created by a newer program.</exception>
    public static void Apply(SqliteConnection connection, IReadOnlyList<string> scripts)
    {
        var version = Version(connection);
        if (version > scripts.Count)
            throw new InvalidDataException(
                $"The database has version {version} and this program knows {scripts.Count}: "
                + "start the newer program, or choose another --data folder.");
        if (version > 0 && version < scripts.Count)
            CopyBeside(connection, version);
        for (; version < scripts.Count; version++)
        {
            using var transaction = connection.BeginTransaction();
            connection.Execute(scripts[version]);
            connection.Execute($"PRAGMA user_version = {version + 1}");
            transaction.Commit();
        }
    }

    private static int Version(SqliteConnection connection) => (int)connection.Scalar<long>("PRAGMA user_version");

    private static void CopyBeside(SqliteConnection connection, int version)
    {
        var copy = Path.ChangeExtension(connection.DataSource, $".version-{version}.db");
        File.Delete(copy); // of an earlier attempt
        connection.Execute("VACUUM INTO $copy", ("$copy", copy));
    }
}
