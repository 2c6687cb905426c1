namespace MlNetFineTune.WeightFiles.Pickle;

/// <summary>
/// Names that only a malicious pickle refers to. This library calls nothing that a pickle names;
/// the list serves to tell the user what the file would do elsewhere.
/// </summary>
internal static class ForbiddenNames
{
    // Modules, with all their members.
    private static readonly HashSet<string> s_packages = new(StringComparer.Ordinal)
    {
        "os", "subprocess", "importlib", "ctypes", "asyncio", "multiprocessing", "urllib", "http", "xmlrpc", "requests", "pip", "dill",
        "cloudpickle",
    };

    // Only these names themselves: "code.options" may be a user's own module.
    private static readonly HashSet<string> s_modules = new(StringComparer.Ordinal)
    {
        "posix", "nt", "ntpath", "posixpath", "nturl2path", "sys", "imp", "runpy", "shutil", "socket", "pty", "commands", "operator",
        "_operator", "code", "codeop",
        "pickle", "_pickle", "cPickle", "marshal", "webbrowser", "bdb", "pdb", "timeit", "cProfile", "profile", "platform", "tempfile",
        "signal", "_thread",
        "threading", "gc", "inspect", "pkgutil", "zipimport", "smtplib", "ftplib", "telnetlib",
    };

    // Members that run code, of modules that weights may refer to.
    private static readonly HashSet<string> s_names = new(StringComparer.Ordinal)
    {
        "torch.load", "torch.serialization.load", "torch.jit.load", "torch.hub.load", "torch.utils.cpp_extension.load", "numpy.load",
        "numpy.save",
        "numpy.core.multiarray.fromfile", "numpy.f2py.diagnose.run_command",
    };

    private static readonly HashSet<string> s_harmlessBuiltins = new(StringComparer.Ordinal)
    {
        "set", "frozenset", "list", "dict", "tuple", "int", "long", "float", "complex", "bool", "str", "unicode", "bytes", "bytearray",
        "object", "slice",
        "range", "xrange", "type", "Ellipsis", "NotImplemented",
    };

    public static bool Contains(string module, string name)
    {
        var root = module.Split('.')[0];
        // In protocol 4 a name may contain dots, which access attributes.
        return root is "builtins" or "__builtin__" ? !s_harmlessBuiltins.Contains(name)
            : module == "types" ? name != "SimpleNamespace"
            : s_packages.Contains(root) || s_modules.Contains(module) || s_names.Contains($"{module}.{name}");
    }
}
