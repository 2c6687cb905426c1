using System.Diagnostics;
using System.Reflection;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.MlNet;

/// <summary>No scalar is freed while libtorch reads it: the library's operations prevent it, and all code uses them.</summary>
[TestClass]
public sealed class ScalarsTests
{
    public static IEnumerable<object[]> Libraries =>
        [[typeof(TorchRuntime).Assembly], [typeof(Microsoft.ML.FineTuningOnnxExtensions).Assembly]];

    /// <summary>With TorchSharp's own operations in place of ours, about one call in 4,000 throws here.</summary>
    [TestMethod]
    public void EveryOperationIsRightWhileTheCollectorRunsAllTheTime()
    {
        var stopped = false;
        var collector = new Thread(() =>
        {
            while (!Volatile.Read(ref stopped))
            {
                for (var i = 0; i < 200; i++)
                    GC.KeepAlive(new byte[64]);
                GC.Collect(0);
                GC.WaitForPendingFinalizers();
            }
        });
        collector.Start();
        try
        {
            var start = Stopwatch.GetTimestamp();
            do
            {
                foreach (var (name, operation, expected) in s_operations)
                {
                    using var scope = NewDisposeScope();
                    Assert.AreEqual(expected, operation(tensor(3.0)).to_type(ScalarType.Float64).item<double>(), name);
                }
            }
            while (Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(1.5));
        }
        finally
        {
            Volatile.Write(ref stopped, true);
            collector.Join();
        }
    }

    [TestMethod]
    public void EveryOperationIsTried() =>
        CollectionAssert.AreEquivalent(
            Operations.Select(method => method.ToString()).ToArray(), s_operations.Select(tried => Operation(tried.Operation).ToString())
            .Distinct().ToArray());

    [TestMethod]
    [DynamicData(nameof(Libraries))]
    public void OnlyOurOperationsMakeNumbersForLibtorch(Assembly library)
    {
        var found = Calls.MethodsOf(library.GetTypes().Where(type => type != typeof(Scalars))).SelectMany(Unheld)
            .Except(s_allowed).ToArray();
        if (found.Length > 0)
            Assert.Fail(
                $"These make a number that the collector may free while libtorch reads it:\n{string.Join("\n", found)}\nUse an operation "
                + "of MlNet/Scalars.cs, or add it there.");
    }

    [TestMethod]
    public void OurOperationsHoldEveryNumber()
    {
        foreach (var operation in Operations)
        {
            var numbers = Calls.Of(operation).Count(IsConversion);
            Assert.AreEqual(numbers, operation.GetMethodBody()!.ExceptionHandlingClauses.Count(
                clause => clause.Flags == ExceptionHandlingClauseOptions.Finally), $"{operation}: one `using` for each number");
            Assert.AreEqual(numbers, Calls.Of(operation).Count(s_makers.Value.Contains),
                $"{operation} calls what makes a number of its own");
        }
    }

    [TestMethod]
    [DataRow(nameof(Offender.Plus), "torch+Tensor.op_Addition(Tensor, Double)")]
    [DataRow(nameof(Offender.PlusTensor), "torch+Tensor.op_Addition(Tensor, Tensor)")]
    [DataRow(nameof(Offender.Scale), "Scalar.op_Implicit(Single)")]
    [DataRow(nameof(Offender.Square), "torch+Tensor.square()")]
    [DataRow(nameof(Offender.ScaleLater), "Scalar.op_Implicit(Int32)")]
    [DataRow(nameof(Offender.Read), "TensorExtensionMethods.ToSingle(Tensor)")]
    [DataRow(nameof(Offender.Layer), "torch+nn.ELU(Double, Boolean)")]
    public void WhoGoesPastThemIsNamed(string method, string called)
    {
        var found = Calls.MethodsOf([typeof(Offender), .. typeof(Offender).GetNestedTypes(BindingFlags.NonPublic)])
            .SelectMany(Unheld).ToArray();
        Assert.IsTrue(
            found.Any(line => line.Contains(method, StringComparison.Ordinal)
                && line.EndsWith($": TorchSharp.{called}", StringComparison.Ordinal)), string.Join("\n", found));
    }

    [TestMethod]
    public void WhoMakesNoneIsNotNamed()
    {
        var found = Calls.MethodsOf(typeof(Innocent)).SelectMany(Unheld).ToArray();
        Assert.IsEmpty(found, string.Join("\n", found));
    }

    // A script makes numbers of arguments and results that are numbers: this one takes a tensor and gives tensors.
    private static readonly string[] s_allowed =
    [
        "MlNetFineTune.Networks.LoadedScript..ctor: TorchSharp.torch+jit.load(Byte[], DeviceType, Int64)",
        "MlNetFineTune.Networks.LoadedScript.Run: TorchSharp.torch+jit+ScriptModule.forward(Object[])",
    ];

    private static readonly (string Name, Func<Tensor, Tensor> Operation, double Expected)[] s_operations =
    [
        ("Full", three => Scalars.Full(1, 0.75), 0.75),
        ("Add a tensor", three => three.Add(three), 6),
        ("Add_ a tensor", three => three.Add_(tensor(4.0)), 7),
        ("Add a multiple", three => three.Add(three, 0.25), 3.75),
        ("Add_ a multiple", three => three.Add_(tensor(4.0), -0.5), 1),
        ("Add", three => three.Add(1e-5), 3 + 1e-5),
        ("Add_", three => three.Add_(1e-3), 3 + 1e-3),
        ("Mul", three => three.Mul(0.1), 3 * 0.1),
        ("Mul_", three => three.Mul_(0.9), 3 * 0.9),
        ("Div", three => three.Div(0.3), 3 / 0.3),
        ("Div_", three => three.Div_(0.7), 3 / 0.7),
        ("masked fill", x => x.MaskedFill(x.isfinite(), 4), 4),
        ("Pow", three => three.Pow(3), 27),
        ("Addcmul", three => three.Addcmul(three, three, -0.5), -1.5),
        ("Addcmul_", three => three.Addcmul_(tensor(2.0), tensor(5.0), 0.25), 5.5),
        ("Addcdiv_", three => three.Addcdiv_(tensor(2.0), tensor(8.0), -2), 2.5),
        ("ClampMin", three => three.ClampMin(3.5), 3.5),
        ("ClampMin_", three => three.ClampMin_(4.5), 4.5),
        ("Clamp_", three => three.Clamp_(5.25, 6.5), 5.25),
        ("Clamp_ from above", three => three.Clamp_(0.5, 2.25), 2.25),
        ("Gt", three => three.Gt(2.5), 1),
        ("Gt, not", three => three.Gt(3), 0),
        ("Ge", three => three.Ge(3), 1),
        ("Ge, not", three => three.Ge(3.5), 0),
    ];

    private static IEnumerable<MethodBase> Operations => Calls.MethodsOf(typeof(Scalars)).Where(method => method is MethodInfo);

    private static MethodBase Operation(Delegate tried) => Calls.Of(tried.Method).Single(called => called.DeclaringType == typeof(Scalars));

    /// <summary>All of TorchSharp that makes a number, hidden or not;
    /// of its layers that do so when they run, what makes the layer.</summary>
    private static readonly Lazy<HashSet<MethodBase>> s_makers = new(() =>
    {
        var methods = Calls.MethodsOf(typeof(Scalar).Assembly.GetTypes()).ToArray();
        var makers = Calls.Reaching(typeof(Scalar).GetConstructors(BindingFlags.Instance | BindingFlags.NonPublic), methods);
        var layers = makers.Where(method => method.Name == "forward").Select(method => method.DeclaringType).ToHashSet();
        return Calls.Reaching(
            [.. makers, .. methods.Where(method => method.IsConstructor && layers.Contains(method.DeclaringType))], methods);
    });

    private static bool IsConversion(MethodBase method) => method.DeclaringType == typeof(Scalar) && method.Name == "op_Implicit";

    private static IEnumerable<string> Unheld(MethodBase method) => Calls.Of(method).Where(s_makers.Value.Contains)
        .Select(called => $"{method.DeclaringType!.FullName}.{method.Name}: "
            + $"{called.DeclaringType!.FullName}.{called.Name}"
            + $"({string.Join(", ", called.GetParameters().Select(parameter => parameter.ParameterType.Name))})");

#pragma warning disable CA1822 // Only their instructions are read.
    private sealed class Offender
    {
        public Tensor Plus(Tensor tensor) => tensor + 1e-5;

        public Tensor PlusTensor(Tensor tensor) => tensor + tensor;

        public Tensor Scale(Tensor tensor) => tensor.mul_(0.5f);

        public Tensor Square(Tensor tensor) => tensor.square();

        public Func<Tensor, Tensor> ScaleLater() => static tensor => tensor.div(2);

        public float Read(Tensor tensor) => tensor.ToSingle();

        public nn.Module<Tensor, Tensor> Layer() => nn.ELU();
    }

    private sealed class Innocent
    {
        public Tensor Compute(Tensor tensor) => nn.functional.relu(tensor * tensor - tensor / tensor).mean([1]).sqrt_();

        public double Read(Tensor tensor) => tensor.item<double>();

        public nn.Module<Tensor, Tensor> Layer() => nn.Linear(2, 3);
    }
#pragma warning restore CA1822
}
