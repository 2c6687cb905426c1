using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace MlNetFineTune.Tests.Support;

/// <summary>The public API of an assembly as C#-like text, ordered by name.</summary>
internal static class PublicApi
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static
        | BindingFlags.DeclaredOnly;

    public static string Describe(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (var type in PublicTypes(assembly))
        {
            text.Append(Signatures.Of(type)).Append('\n');
            foreach (var member in MembersOf(type).Select(Signatures.Of).Order(StringComparer.Ordinal))
                text.Append("    ").Append(member).Append('\n');
            text.Append('\n');
        }

        return text.ToString();
    }

    /// <summary>Every type that a public signature mentions, with the place where it does.</summary>
    public static IEnumerable<(string Where, Type Type)> TypesIn(Assembly assembly) =>
        from type in PublicTypes(assembly)
        from mention in MembersOf(type)
            .SelectMany(member => TypesIn(member).Select(t => (Where: $"{type.FullName}.{member.Name}", Type: t)))
            .Append((Where: type.FullName!, Type: type.BaseType ?? type))
        from part in Parts(mention.Type)
        select (mention.Where, part);

    /// <summary>The public types, those nested in others included.</summary>
    public static IEnumerable<string> NamesOf(Assembly assembly) => PublicTypes(assembly).Select(type => type.FullName!.Replace('+', '.'));

    private static IEnumerable<Type> PublicTypes(Assembly assembly) =>
        assembly.GetTypes().Where(type => type.IsVisible && !IsGenerated(type)).OrderBy(type => type.FullName, StringComparer.Ordinal);

    private static IEnumerable<MemberInfo> MembersOf(Type type)
    {
        if (type.IsEnum)
            return type.GetFields(BindingFlags.Public | BindingFlags.Static);
        if (type.IsAssignableTo(typeof(Delegate)))
            return [type.GetMethod("Invoke")!];
        return type.GetMembers(Declared).Where(member => IsOffered(member, type));
    }

    private static bool IsOffered(MemberInfo member, Type type) => member switch
    {
        _ when IsGenerated(member) => false,
        ConstructorInfo constructor => !constructor.IsStatic && IsOffered(constructor, type),
        MethodInfo method => (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal)
            || IsExtensionAccessor(method)) && IsOffered((MethodBase)method, type),
        PropertyInfo property => property.GetAccessors(nonPublic: true).Any(accessor => IsOffered(accessor, type)),
        EventInfo e => IsOffered(e.AddMethod!, type),
        FieldInfo field => field.IsPublic || ((field.IsFamily || field.IsFamilyOrAssembly) && !type.IsSealed),
        _ => false,
    };

    internal static bool IsOffered(MethodBase method, Type type) =>
        method.IsPublic || ((method.IsFamily || method.IsFamilyOrAssembly) && !type.IsSealed);

    // What every record has by being one, and what the compiler makes for extension blocks (their <G>$ types), says nothing.
    private static bool IsGenerated(MemberInfo member) =>
        member.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false) && member is not PropertyInfo
        || member.Name.Contains('<')
        || member.DeclaringType is { } owner && owner.Name.Contains('<')
        || member is PropertyInfo { Name: "EqualityContract" };

    // An extension property is compiled to a static accessor without a property, which is what other languages call.
    private static bool IsExtensionAccessor(MethodInfo method) =>
        method.IsStatic && method.DeclaringType!.IsDefined(typeof(ExtensionAttribute), inherit: false);

    private static IEnumerable<Type> TypesIn(MemberInfo member) => member switch
    {
        MethodInfo method => method.GetParameters().Select(p => p.ParameterType).Append(method.ReturnType),
        ConstructorInfo constructor => constructor.GetParameters().Select(p => p.ParameterType),
        PropertyInfo property => [property.PropertyType],
        EventInfo e => [e.EventHandlerType!],
        FieldInfo field => [field.FieldType],
        _ => [],
    };

    private static IEnumerable<Type> Parts(Type type)
    {
        if (type.HasElementType)
            return Parts(type.GetElementType()!);
        if (type.IsGenericParameter)
            return [];
        return type.IsConstructedGenericType ? type.GetGenericArguments().SelectMany(Parts)
            .Append(type.GetGenericTypeDefinition()) : [type];
    }
}
