using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Scoring;

namespace MlNetFineTune.Tests.Scoring;

/// <summary>A batch never holds many rows that hold much.</summary>
[TestClass]
public sealed class LargeRowsTests
{
    [TestMethod]
    public void ALargeRowIsEncodedWhenItIsTakenAndReleased()
    {
        var rows = new Rows();
        using var batch = new EncodedBatch(rows, [Augmentation.None, Augmentation.None], capacity: 6);
        for (var turn = 0; turn < 2; turn++)
        {
            batch.Clear();
            for (var i = 0; i < 6; i++)
                batch.Take();
            batch.Encode();

            CollectionAssert.AreEqual(Enumerable.Range(0, 6).SelectMany(i => new[] { (byte)(10 * turn + i), (byte)(10 * turn + i) })
                .ToArray(), batch.Bytes.ToArray());
            for (var i = 0; i < 6; i++)
                Assert.AreEqual(i == 4 ? "bad" : null, batch.ReasonOf(i));
            rows.Turn++;
        }
        Assert.AreEqual(1, rows.MostHeld, "of the large rows, which are every other one");
    }

    private sealed class Rows : RowReader
    {
        private readonly HashSet<int> _held = [];

        public int MostHeld { get; private set; }

        public int Turn { get; set; }

        public override int Length => 1;

        public override string Noun => "row";

        public override void Take(int place)
        {
            if (place % 2 == Turn)
                _held.Add(place);
            MostHeld = Math.Max(MostHeld, _held.Count);
        }

        public override bool IsLarge(int place) => place % 2 == Turn;

        public override void Release(int place) => Assert.IsTrue(_held.Remove(place));

        public override string? Encode(int place, Augmentation view, Span<byte> output)
        {
            Assert.IsTrue(place % 2 != Turn || _held.Contains(place), "It was released before it was encoded.");
            output[0] = (byte)(10 * Turn + place);
            return place == 4 ? "bad" : null;
        }

        public override string Describe(int place) => "a row";
    }
}
