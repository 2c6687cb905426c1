using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tests.Support;

/// <summary>Types and members as C# would write them, without bodies.</summary>
internal static class Signatures
{
    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(object)] = "object",
        [typeof(string)] = "string",
        [typeof(bool)] = "bool",
        [typeof(char)] = "char",
        [typeof(byte)] = "byte",
        [typeof(sbyte)] = "sbyte",
        [typeof(short)] = "short",
        [typeof(ushort)] = "ushort",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
        [typeof(decimal)] = "decimal",
    };

    public static string Of(Type type)
    {
        var kind = type switch
        {
            { IsEnum: true } => "enum",
            { IsInterface: true } => "interface",
            { IsValueType: true } => type.GetMethod("PrintMembers", BindingFlags.NonPublic | BindingFlags.Instance) is null
                ? "struct"
                : "record struct",
            _ when type.IsAssignableTo(typeof(Delegate)) => "delegate",
            _ => type.GetMethod("<Clone>$") is null ? "class" : "record",
        };
        var modifier = kind is "class" or "record" ? (type.IsAbstract, type.IsSealed) switch
        {
            (true, true) => "static ",
            (true, false) => "abstract ",
            (false, true) => "sealed ",
            _ => "",
        } : "";
        var bases = type.IsEnum || kind == "delegate" ? [] : Bases(type).ToList();
        return $"public {modifier}{kind} {type.Namespace}.{Name(type)}{(bases.Count > 0 ? " : " + string.Join(", ", bases) : "")}"
            + $"{Constraints(type.GetGenericArguments())}";
    }

    public static string Of(MemberInfo member) => member switch
    {
        ConstructorInfo constructor => $"{Access(constructor)}{constructor.DeclaringType!.Name.Split('`')[0]}({Parameters(constructor)})",
        MethodInfo method => $"{Access(method)}{Modifier(method)}{Nullable(method.ReturnParameter)} "
            + $"{method.Name}{GenericParameters(method)}({Parameters(method)}){Constraints(method.GetGenericArguments())}",
        PropertyInfo property => Property(property),
        EventInfo e => $"{Access(e.AddMethod!)}event {Name(e.EventHandlerType!)} {e.Name}",
        FieldInfo { DeclaringType.IsEnum: true } constant =>
            $"{constant.Name} = {Convert.ToString(constant.GetRawConstantValue(), CultureInfo.InvariantCulture)}",
        FieldInfo { IsLiteral: true } constant =>
            $"{Access(constant)}const {Name(constant.FieldType)} {constant.Name} = "
            + $"{Value(constant.GetRawConstantValue(), constant.FieldType)}",
        FieldInfo field => $"{Access(field)}{(field.IsStatic ? "static " : "")}{(field.IsInitOnly ? "readonly " : "")}"
            + $"{Nullable(new NullabilityInfoContext().Create(field))} {field.Name}",
        _ => member.ToString()!,
    };

    private static string Property(PropertyInfo property)
    {
        var owner = property.DeclaringType!;
        var getter = property.GetMethod is { } get && PublicApi.IsOffered(get, owner) ? get : null;
        var setter = property.SetMethod is { } set && PublicApi.IsOffered(set, owner) ? set : null;
        var isInit = setter?.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) == true;
        var leading = (getter ?? setter)!;
        var required = property.IsDefined(typeof(RequiredMemberAttribute)) ? "required " : "";
        var name = property.GetIndexParameters().Length > 0 ? $"this[{Parameters(leading)}]" : property.Name;
        return $"{Access(leading)}{required}{Modifier(leading)}{Nullable(new NullabilityInfoContext().Create(property))} {name} {{ "
            + $"{(getter is null ? "" : "get; ")}{(setter is null ? "" : isInit ? "init; " : "set; ")}}}";
    }

    private static IEnumerable<string> Bases(Type type)
    {
        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType))
            yield return Name(parent);
        var inherited = (type.BaseType?.GetInterfaces() ?? []).Concat(type.GetInterfaces().SelectMany(i => i.GetInterfaces())).ToHashSet();
        foreach (var name in type.GetInterfaces().Where(i => i.IsVisible && !inherited.Contains(i)).Select(Name)
            .Order(StringComparer.Ordinal))
            yield return name;
    }

    private static string Access(MethodBase method) => method.IsPublic ? "public " : "protected ";

    private static string Access(FieldInfo field) => field.IsPublic ? "public " : "protected ";

    private static string Modifier(MethodInfo method) => method switch
    {
        { DeclaringType.IsInterface: true } => "",
        { IsStatic: true } => "static ",
        { IsAbstract: true } => "abstract ",
        { IsVirtual: true, IsFinal: false } => method.GetBaseDefinition() == method ? "virtual " : "override ",
        _ => "",
    };

    private static string Parameters(MethodBase method)
    {
        var isExtension = method.IsDefined(typeof(ExtensionAttribute), inherit: false);
        var parameters = method.GetParameters()
            .Where(p => !(method.IsSpecialName && p.Name == "value" && p.Position == method.GetParameters().Length - 1));
        return string.Join(", ", parameters.Select(parameter =>
        {
            var prefix = isExtension && parameter.Position == 0 ? "this "
                : parameter.IsOut ? "out "
                : parameter.IsIn ? "in "
                : parameter.ParameterType.IsByRef ? "ref "
                : parameter.IsDefined(typeof(ParamArrayAttribute)) || parameter.IsDefined(typeof(ParamCollectionAttribute)) ? "params "
                : "";
            var value = parameter.HasDefaultValue ? $" = {Value(parameter.RawDefaultValue, parameter.ParameterType)}" : "";
            return $"{prefix}{Nullable(parameter)} {parameter.Name}{value}";
        }));
    }

    private static string GenericParameters(MethodInfo method) =>
        method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(Name))}>" : "";

    private static string Constraints(Type[] arguments) => string.Concat(
        from argument in arguments
        where argument.IsGenericParameter
        let rules = ConstraintsOf(argument).ToList()
        where rules.Count > 0
        select $" where {argument.Name} : {string.Join(", ", rules)}");

    private static IEnumerable<string> ConstraintsOf(Type parameter)
    {
        var attributes = parameter.GenericParameterAttributes;
        var isStruct = attributes.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint);
        if (isStruct)
            yield return "struct";
        else if (attributes.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint))
            yield return "class";
        foreach (var type in parameter.GetGenericParameterConstraints().Where(t => t != typeof(ValueType)))
            yield return Name(type);
        if (attributes.HasFlag(GenericParameterAttributes.DefaultConstructorConstraint) && !isStruct)
            yield return "new()";
    }

    private static string Value(object? value, Type type) => value switch
    {
        null => type.IsValueType && System.Nullable.GetUnderlyingType(type) is null ? "default" : "null",
        string text => $"\"{text}\"",
        bool flag => flag ? "true" : "false",
        _ when type.IsEnum => $"{Name(type)}.{Enum.ToObject(type, value)}",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static string Nullable(ParameterInfo parameter) => Nullable(new NullabilityInfoContext().Create(parameter));

    private static string Nullable(NullabilityInfo info)
    {
        var type = info.Type.IsByRef ? info.Type.GetElementType()! : info.Type;
        if (type.IsArray && info.ElementType is { } element)
            return Nullable(element) + "[]" + Mark(info);
        if (type.IsConstructedGenericType && System.Nullable.GetUnderlyingType(type) is null && !type.IsNested
            && info.GenericTypeArguments.Length > 0)
            return $"{type.Name.Split('`')[0]}<{string.Join(", ", info.GenericTypeArguments.Select(Nullable))}>{Mark(info)}";
        return Name(type) + Mark(info);
    }

    private static string Mark(NullabilityInfo info) =>
        info.ReadState == NullabilityState.Nullable && !info.Type.IsValueType ? "?" : "";

    private static string Name(Type type)
    {
        if (Keywords.TryGetValue(type, out var keyword))
            return keyword;
        if (System.Nullable.GetUnderlyingType(type) is { } underlying)
            return Name(underlying) + "?";
        if (type.IsArray)
            return Name(type.GetElementType()!) + "[]";
        if (type.IsPointer)
            return Name(type.GetElementType()!) + "*";
        if (type.IsGenericParameter)
            return type.Name;

        var own = type.GetGenericArguments().Skip(type.DeclaringType?.GetGenericArguments().Length ?? 0).Select(Name).ToList();
        var name = type.Name.Split('`')[0] + (own.Count > 0 ? $"<{string.Join(", ", own)}>" : "");
        return type.IsNested ? $"{Name(type.DeclaringType!)}.{name}" : name;
    }
}
