using System.Reflection;

namespace MlNetFineTune.MlNet;

/// <summary>Calls a generic method for a type that is known only at run time, as ML.NET's columns are.</summary>
internal static class Generic
{
    public interface IFunction<out TResult>
    {
        TResult Invoke<T>();
    }

    public static TResult Invoke<TResult>(Type type, IFunction<TResult> function)
    {
        var method = typeof(IFunction<TResult>).GetMethod(nameof(IFunction<TResult>.Invoke))!.MakeGenericMethod(type);
        return (TResult)method.Invoke(function, BindingFlags.DoNotWrapExceptions, binder: null, parameters: null, culture: null)!;
    }
}
