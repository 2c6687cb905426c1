namespace MlNetFineTune;

public abstract partial record PretrainedWeights
{
    /// <summary>
    /// The folder of downloaded weights, and the settings of downloads. Defaults are read from environment variables when an instance is
    /// created. The folder may be copied to another machine, and may be read-only once it contains what is needed.
    /// </summary>
    public sealed record Cache
    {
        /// <summary>
        /// Path of the folder. By default the value of <c>MLNETFINETUNE_CACHE</c>; else <c>mlnetfinetune</c> in <c>XDG_CACHE_HOME</c> or
        /// <c>~/.cache</c>, on Windows in <c>%LOCALAPPDATA%</c>. Nothing outside of it is written.
        /// </summary>
        public string Folder
        {
            get;
            init
            {
                ArgumentException.ThrowIfNullOrWhiteSpace(value, nameof(Folder));
                field = Path.GetFullPath(value);
            }
        } = DefaultFolder();

        /// <summary>Whether no connection is made: then missing weights are an error that says where to place the file.
        /// By default whether <c>MLNETFINETUNE_OFFLINE</c> or <c>HF_HUB_OFFLINE</c> is 1, true, yes or on.</summary>
        public bool IsOffline { get; init; } = IsSwitchedOn("MLNETFINETUNE_OFFLINE") || IsSwitchedOn("HF_HUB_OFFLINE");

        /// <summary>
        /// The address of the model hub, http or https; by default <c>HF_ENDPOINT</c>, else https://huggingface.co. The access token in
        /// <c>HF_TOKEN</c> or <c>HUGGING_FACE_HUB_TOKEN</c> is sent to this host only, and only by https or on this machine.
        /// </summary>
        public Uri HubEndpoint
        {
            get;
            init => field = CheckedEndpoint(value, nameof(HubEndpoint));
        } = CheckedEndpoint(Variable("HF_ENDPOINT") ?? "https://huggingface.co", "HF_ENDPOINT");

        /// <summary>The address of torchvision's files, http or https; https://download.pytorch.org/models/ by default.</summary>
        public Uri TorchvisionEndpoint
        {
            get;
            init => field = CheckedEndpoint(value, nameof(TorchvisionEndpoint));
        } = new("https://download.pytorch.org/models/");

        /// <summary>Size limit of a downloaded file in bytes, at least 1, 16 GiB by default. It also holds
        /// where the server does not give the size.</summary>
        public long MaximumBytes
        {
            get;
            init
            {
                ArgumentOutOfRangeException.ThrowIfLessThan(value, 1, nameof(MaximumBytes));
                field = value;
            }
        } = 16L << 30;

        /// <summary>Time without data from the server after which an attempt fails: above zero,
        /// at most one hour, 30 seconds by default.</summary>
        public TimeSpan StallTimeout
        {
            get;
            init
            {
                ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero, nameof(StallTimeout));
                ArgumentOutOfRangeException.ThrowIfGreaterThan(value, TimeSpan.FromHours(1), nameof(StallTimeout));
                field = value;
            }
        } = TimeSpan.FromSeconds(30);

        /// <summary>The clock of <see cref="StallTimeout"/> and of the pauses between attempts; tests replace it.</summary>
        internal TimeProvider Time { get; init; } = TimeProvider.System;

        internal static string? HubToken => Variable("HF_TOKEN") ?? Variable("HUGGING_FACE_HUB_TOKEN");

        private static string DefaultFolder()
        {
            if (Variable("MLNETFINETUNE_CACHE") is { } folder)
                return Path.GetFullPath(folder);
            // The XDG specification has relative paths ignored.
            var caches = OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
                : Variable("XDG_CACHE_HOME") is { } xdg && Path.IsPathRooted(xdg) ? xdg
                : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
            return Path.GetFullPath(Path.Combine(caches, "mlnetfinetune"));
        }

        private static string? Variable(string name) => Environment.GetEnvironmentVariable(name)?.Trim() is { Length: > 0 } value
            ? value
            : null;

        private static bool IsSwitchedOn(string name) => Variable(name)?.ToUpperInvariant() is "1" or "TRUE" or "YES" or "ON";

        private static Uri CheckedEndpoint(string address, string name) => Uri.TryCreate(address, UriKind.Absolute, out var uri)
            ? CheckedEndpoint(uri, name)
            : throw new ArgumentException($"{name} must be an address such as https://host/, but is '{address}'.", name);

        // With a slash at the end, so that names are appended to it and do not replace its last part.
        private static Uri CheckedEndpoint(Uri? address, string name)
        {
            ArgumentNullException.ThrowIfNull(address, name);
            return address is { IsAbsoluteUri: true, Scheme: "http" or "https", UserInfo: "", Query: "", Fragment: "" }
                ? address.AbsoluteUri.EndsWith('/') ? address : new Uri(address.AbsoluteUri + '/')
                : throw new ArgumentException(
                    $"{name} must be an http or https address without user name, query and fragment, but is '{address}'.", name);
        }
    }
}
