using MlNetFineTune.Networks;
using MlNetFineTune.Onnx;
using MlNetFineTune.Onnx.FileFormat;
using MlNetFineTune.Tests.Support;
using AttributeType = MlNetFineTune.Onnx.FileFormat.AttributeProto.Types.AttributeType;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>The messages of the file.</summary>
[TestClass]
public sealed class OnnxFileTests
{
    [TestMethod]
    public void EveryKindOfConstantAndAttributeIsInTheFile()
    {
        GraphConstant[] constants =
        [
            new("floats", [2], new[] { 1.5f, -2 }), new("halves", [1], new[] { (Half)0.5 }), new("longs", [2], new[] { -1L, 7 }),
            new("integers", [1], new[] { -3 }), new("signed", [3], new sbyte[] { -128, 0, 127 }),
            new("unsigned", [2], new byte[] { 0, 255 }),
        ];
        var scalar = new GraphConstant("scalar", [], new[] { 2f });
        (string, object)[] attributes = [("f", 0f), ("i", 0L), ("s", "é"), ("t", scalar), ("ints", (long[])[0, 2])];
        var pixels = new NetworkGraph(8);
        pixels.AddInput("x", [3, 8, 8]);
        var graph = pixels.Rewritten([new GraphNode("Any", ["x", "floats"], ["y"], attributes)], constants);

        var model = Written(graph);

        Assert.AreEqual((8L, 17L, ""), (model.IrVersion, model.OpsetImport.Single().Version, model.OpsetImport.Single().Domain));
        Assert.IsTrue(model.OpsetImport.Single().HasDomain, "written although it is empty, as the standard wants");
        var node = model.Graph.Node.Single();
        Assert.AreEqual(("Any", "y", "y"), (node.OpType, node.Name, node.Output.Single()));
        CollectionAssert.AreEqual(new[] { "x", "floats" }, node.Input);
        var byName = node.Attribute.ToDictionary(attribute => attribute.Name);
        Assert.IsTrue(byName["f"].HasF && byName["i"].HasI, "written although they are 0");
        Assert.AreEqual((AttributeType.Float, 0f), (byName["f"].Type, byName["f"].F));
        Assert.AreEqual((AttributeType.Int, 0L), (byName["i"].Type, byName["i"].I));
        Assert.AreEqual((AttributeType.String, "é"), (byName["s"].Type, byName["s"].S.ToStringUtf8()));
        Assert.AreEqual((AttributeType.Tensor, "00000040"), (byName["t"].Type, Hex(byName["t"].T)));
        Assert.AreEqual(AttributeType.Ints, byName["ints"].Type);
        CollectionAssert.AreEqual(new long[] { 0, 2 }, byName["ints"].Ints);

        // Types by the numbers of the standard, and bytes little-endian.
        CollectionAssert.AreEqual(
            new[]
            {
                ("floats", 1, "0000c03f000000c0"), ("halves", 10, "0038"), ("longs", 7, "ffffffffffffffff0700000000000000"),
                ("integers", 6, "fdffffff"), ("signed", 3, "80007f"), ("unsigned", 2, "00ff"),
            },
            model.Graph.Initializer.Select(tensor => (tensor.Name, tensor.DataType, Hex(tensor))).ToArray());
        CollectionAssert.AreEqual(new long[] { 2 }, model.Graph.Initializer[0].Dims);

        var input = model.Graph.Input.Single().Type.TensorType;
        Assert.AreEqual(1, input.ElemType);
        Assert.AreEqual("batch,3,8,8", string.Join(',', input.Shape.Dim.Select(dim => dim.HasDimParam ? dim.DimParam : $"{dim.DimValue}")));
        Assert.IsNull(model.Graph.Output.Single().Type.TensorType.Shape, "of any rank");
    }

    [TestMethod]
    public void WhatOneFileCannotHoldIsSaidBeforeItIsWritten()
    {
        using var folder = new Folder();
        var values = new float[64 << 20]; // 256 MiB of untouched address space
        var constants = Enumerable.Range(0, 8).Select(i => new GraphConstant($"c{i}", [values.Length], values));
        var graph = new NetworkGraph(8).Rewritten([], constants);

        var error = Assert.ThrowsExactly<NotSupportedException>(() =>
            OnnxFile.Write(folder.File("large.onnx"), graph, [], new Dictionary<string, string>()));

        StringAssert.Contains(error.Message, "2048 MiB");
        StringAssert.Contains(error.Message, "OnnxPrecision.Float16");
        Assert.IsEmpty(Directory.GetFiles(folder.File(".")));
    }

    private static ModelProto Written(NetworkGraph graph)
    {
        using var folder = new Folder();
        OnnxFile.Write(folder.File("any.onnx"), graph, [(new GraphValue("y"), null)], new Dictionary<string, string>());
        return ModelProto.Parser.ParseFrom(File.ReadAllBytes(folder.File("any.onnx")));
    }

    private static string Hex(TensorProto tensor) => Convert.ToHexStringLower(tensor.RawData.Span);
}
