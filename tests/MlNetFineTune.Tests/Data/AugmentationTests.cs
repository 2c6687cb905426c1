using MlNetFineTune.Data;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Tests.Data;

[TestClass]
public sealed class AugmentationTests
{
    [TestMethod]
    public void WhatDoesNotCropKeepsTheViewThatScoringSees()
    {
        var encoder = new ImageEncoder(new ImagePreprocessing { Size = 32 });
        var pixels = new byte[90 * 50 * 4];
        new Random(1).NextBytes(pixels);

        CollectionAssert.AreEqual(Encode(Augmentation.None), Encode(new HorizontalFlip(0)));
        CollectionAssert.AreEqual(Encode(Augmentation.None), Encode(Augmentation.Sequence(new HorizontalFlip(1), new HorizontalFlip(1))));
        CollectionAssert.AreNotEqual(Encode(Augmentation.None),
            Encode(Augmentation.Sequence(new HorizontalFlip(0), new RandomResizedCrop())));

        byte[] Encode(Augmentation augmentation)
        {
            var output = new byte[encoder.Length];
            var random = new CountedRandom(1, RandomStream.Augmentation, epoch: 1, ordinal: 0);
            Assert.IsNull(encoder.EncodePixels(new PixelSource(pixels, 90, 50, blueFirst: false), augmentation, random, output));
            return output;
        }
    }
}
