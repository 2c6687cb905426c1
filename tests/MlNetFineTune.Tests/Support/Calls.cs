using System.Reflection;
using System.Reflection.Emit;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tests.Support;

/// <summary>Who calls whom, read from the instructions of compiled methods.</summary>
internal static class Calls
{
    private const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static
        | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OperandType> s_operands = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value, code => code.OperandType);

    /// <summary>All methods and constructors that have instructions; those of lambdas, iterators and local functions too.</summary>
    public static IEnumerable<MethodBase> MethodsOf(params IEnumerable<Type> types) =>
        types.SelectMany(type => (MethodBase[])[.. type.GetMethods(All), .. type.GetConstructors(All)])
            .Where(method => method.GetMethodBody() is not null);

    /// <summary>What a method calls, constructs, or makes a delegate of, as often as it does; generic ones as they are declared.</summary>
    public static IEnumerable<MethodBase> Of(MethodBase method)
    {
        var typeArguments = method.DeclaringType is { IsGenericType: true } type ? type.GetGenericArguments() : null;
        var methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : null;
        foreach (var token in MethodTokens(method.GetMethodBody()!.GetILAsByteArray()!))
        {
            MethodBase? called;
            try
            {
                called = method.Module.ResolveMethod(token, typeArguments, methodArguments);
            }
            catch (Exception e) when (e is FileNotFoundException or TypeLoadException or MissingMethodException)
            {
                continue; // of an optional package that is not here
            }
            if (called is not null)
                yield return Declared(called);
        }
    }

    /// <summary>Those of the methods that call one of the roots, or a method that does, and so on.</summary>
    public static HashSet<MethodBase> Reaching(IEnumerable<MethodBase> roots, IEnumerable<MethodBase> methods)
    {
        var callers = methods.SelectMany(method => Of(method).Select(called => (Called: called, Caller: Declared(method))))
            .ToLookup(call => call.Called, call => call.Caller);
        var reaching = new HashSet<MethodBase>(roots);
        var open = new Queue<MethodBase>(reaching);
        while (open.TryDequeue(out var called))
        {
            foreach (var caller in callers[called])
            {
                if (reaching.Add(caller))
                    open.Enqueue(caller);
            }
        }
        return reaching;
    }

    private static MethodBase Declared(MethodBase method) =>
        method.IsGenericMethod || method.DeclaringType is { IsGenericType: true }
            ? method.Module.ResolveMethod(method.MetadataToken)!
            : method;

    private static IEnumerable<int> MethodTokens(byte[] code)
    {
        for (var at = 0; at < code.Length;)
        {
            var value = code[at] == 0xFE ? (short)(0xFE00 | code[at + 1]) : code[at];
            at += code[at] == 0xFE ? 2 : 1;
            var operand = s_operands[value];
            if (operand == OperandType.InlineMethod)
                yield return BitConverter.ToInt32(code, at);
            at += operand switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + 4 * BitConverter.ToInt32(code, at),
                _ => 4,
            };
        }
    }
}
