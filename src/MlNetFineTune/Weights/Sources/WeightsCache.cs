namespace MlNetFineTune;

public abstract partial record PretrainedWeights
{
    /// <summary>
    /// The folder in which downloaded weights are kept, and the rules of downloading. The defaults come from the environment when an
    /// instance is made. The folder may be copied to another machine, or be read-only once it holds what is needed.
    /// </summary>
    public sealed record Cache
    {
        /// <summary>
        /// Where the files are. By default what <c>MLNETFINETUNE_CACHE</c> says; else <c>mlnetfinetune</c> in <c>XDG_CACHE_HOME</c> or
        /// <c>~/.cache</c>, on Windows in <c>%LOCALAPPDATA%</c>. Nothing outside it is ever written.
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

        /// <summary>
        /// No connection is made; what is missing is an error that says where to place it. By default whether <c>MLNETFINETUNE_OFFLINE</c>
        /// or <c>HF_HUB_OFFLINE</c> is 1, true, yes or on.
        /// </summary>
        public bool IsOffline { get; init; } = IsSwitchedOn("MLNETFINETUNE_OFFLINE") || IsSwitchedOn("HF_HUB_OFFLINE");

        /// <summary>
        /// The address of the model hub; by default <c>HF_ENDPOINT</c>, else the public one. The token in <c>HF_TOKEN</c> or
        /// <c>HUGGING_FACE_HUB_TOKEN</c> is sent to this host alone, and only by https or on this machine.
        /// </summary>
        public Uri HubEndpoint
        {
            get;
            init => field = CheckedEndpoint(value, nameof(HubEndpoint));
        } = CheckedEndpoint(Variable("HF_ENDPOINT") ?? "https://huggingface.co", "HF_ENDPOINT");

        /// <summary>The address of the folder with torchvision's files.</summary>
        public Uri TorchvisionEndpoint
        {
            get;
            init => field = CheckedEndpoint(value, nameof(TorchvisionEndpoint));
        } = new("https://download.pytorch.org/models/");

        /// <summary>
        /// The largest file that is downloaded, in bytes, whether or not the server says how large it is. 16 GiB unless changed; at least
        /// 1.
        /// </summary>
        public long MaximumBytes
        {
            get;
            init
            {
                ArgumentOutOfRangeException.ThrowIfLessThan(value, 1, nameof(MaximumBytes));
                field = value;
            }
        } = 16L << 30;

        /// <summary>
        /// How long a server may stay silent before the attempt counts as failed. 30 seconds unless changed; above 0, at most an hour.
        /// </summary>
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

        /// <summary>By which the pauses between attempts and <see cref="StallTimeout"/> pass; tests have no time to wait.</summary>
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

        private static string? Variable(string name) =>
            Environment.GetEnvironmentVariable(name)?.Trim() is { Length: > 0 } value ? value : null;

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
