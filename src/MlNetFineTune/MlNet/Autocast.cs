using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.MlNet;

/// <summary>
/// libtorch's autocast to bfloat16: within a scope convolutions and matrix products convert what they are given to bfloat16, and sum in
/// float32; gradients of float32 weights are float32. TorchSharp does not wrap it; libtorch exports it (ATen/autocast_mode.h), with
/// arguments that are bytes and booleans. The state belongs to the thread.
/// </summary>
internal static unsafe class Autocast
{
    private static readonly Lazy<Functions?> s_functions = new(Find);

    /// <summary>Whether this libtorch has the functions. TorchSharp must have been loaded.</summary>
    public static bool IsAvailable => s_functions.Value is not null;

    /// <summary>Begins a scope, which must end on the same thread.</summary>
    /// <param name="device">Device of the operations.</param>
    /// <exception cref="NotSupportedException">This libtorch has no autocast under the known names.</exception>
    public static Scope Begin(DeviceType device) => new(Required, device, enabled: true);

    /// <summary>Begins a scope within another one, with operations in the formats of what they are given.</summary>
    /// <param name="device">Device of the operations.</param>
    /// <exception cref="NotSupportedException">This libtorch has no autocast under the known names.</exception>
    public static Scope Pause(DeviceType device) => new(Required, device, enabled: false);

    private static Functions Required => s_functions.Value
        ?? throw new NotSupportedException("This version of libtorch does not export autocast: use Precision.Float32.");

    private static Functions? Find()
    {
        var (library, names) = OperatingSystem.IsWindows()
            ? ("torch_cpu", new Names(
                "?is_autocast_enabled@autocast@at@@YA_NW4DeviceType@c10@@@Z",
                "?set_autocast_enabled@autocast@at@@YAXW4DeviceType@c10@@_N@Z",
                "?set_autocast_dtype@autocast@at@@YAXW4DeviceType@c10@@W4ScalarType@4@@Z",
                "?increment_nesting@autocast@at@@YAHXZ", "?decrement_nesting@autocast@at@@YAHXZ", "?clear_cache@autocast@at@@YAXXZ"))
            : ("libtorch_cpu", new Names(
                "_ZN2at8autocast19is_autocast_enabledEN3c1010DeviceTypeE",
                "_ZN2at8autocast20set_autocast_enabledEN3c1010DeviceTypeEb",
                "_ZN2at8autocast18set_autocast_dtypeEN3c1010DeviceTypeENS1_10ScalarTypeE",
                "_ZN2at8autocast17increment_nestingEv", "_ZN2at8autocast17decrement_nestingEv", "_ZN2at8autocast11clear_cacheEv"));
        if (!NativeLibrary.TryLoad(library, typeof(torch).Assembly, searchPath: null, out var handle))
            return null;
        nint[] found = [.. names.All.Select(name => NativeLibrary.TryGetExport(handle, name, out var address) ? address : 0)];
        return found.Contains(0) ? null : new Functions(found);
    }

    /// <summary>The state until it is disposed.</summary>
    public readonly ref struct Scope
    {
        private readonly Functions _functions;
        private readonly sbyte _device;
        private readonly bool _wasEnabled;

        internal Scope(Functions functions, DeviceType device, bool enabled)
        {
            (_functions, _device) = (functions, (sbyte)device);
            _wasEnabled = _functions.IsEnabled(_device) != 0;
            _functions.SetType(_device, (sbyte)ScalarType.BFloat16);
            _functions.Increment();
            _functions.SetEnabled(_device, enabled ? (byte)1 : (byte)0);
        }

        public void Dispose()
        {
            _functions.SetEnabled(_device, _wasEnabled ? (byte)1 : (byte)0);
            if (_functions.Decrement() == 0)
                _functions.ClearCache(); // of converted weights, which may change now
        }
    }

    internal sealed class Functions(nint[] addresses)
    {
        public readonly delegate* unmanaged<sbyte, byte> IsEnabled = (delegate* unmanaged<sbyte, byte>)addresses[0];
        public readonly delegate* unmanaged<sbyte, byte, void> SetEnabled = (delegate* unmanaged<sbyte, byte, void>)addresses[1];
        public readonly delegate* unmanaged<sbyte, sbyte, void> SetType = (delegate* unmanaged<sbyte, sbyte, void>)addresses[2];
        public readonly delegate* unmanaged<int> Increment = (delegate* unmanaged<int>)addresses[3];
        public readonly delegate* unmanaged<int> Decrement = (delegate* unmanaged<int>)addresses[4];
        public readonly delegate* unmanaged<void> ClearCache = (delegate* unmanaged<void>)addresses[5];
    }

    private sealed record Names(
        string IsEnabled, string SetEnabled, string SetType, string Increment, string Decrement, string ClearCache)
    {
        public IEnumerable<string> All => [IsEnabled, SetEnabled, SetType, Increment, Decrement, ClearCache];
    }
}
