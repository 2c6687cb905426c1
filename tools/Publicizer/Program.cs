// Publicizer <output folder> <assembly>...
//
// Writes a copy of each assembly in which everything internal is public, by changing the visibility bits of its TypeDef, Field and
// MethodDef rows and nothing else. Private and protected members are unchanged: a private field may have the name of a public event, and
// making both visible would make the name ambiguous. The copies are for the compiler only; they are never run.

using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

if (args.Length < 2)
{
    Console.Error.WriteLine("usage: Publicizer <output folder> <assembly>...");
    return 2;
}

var folder = Directory.CreateDirectory(args[0]).FullName;
foreach (var assembly in args[1..])
{
    var image = File.ReadAllBytes(assembly);
    MakeInternalsPublic(image);

    // Written to a temporary file and renamed, so that a concurrent build never reads an incomplete file.
    var target = Path.Combine(folder, Path.GetFileName(assembly));
    var unfinished = $"{target}.{Environment.ProcessId}";
    File.WriteAllBytes(unfinished, image);
    File.Move(unfinished, target, overwrite: true);
}

return 0;

static void MakeInternalsPublic(byte[] image)
{
    using var pe = new PEReader(new MemoryStream(image, writable: false));
    var metadata = pe.GetMetadataReader();
    var metadataStart = pe.PEHeaders.MetadataStartOffset;

    // Column layouts are those of ECMA-335, partition II, section 22: Flags is the first column of TypeDef and Field,
    // and follows RVA (4 bytes) and ImplFlags (2 bytes) in MethodDef. Visibility is in the lowest three bits of all of them.
    foreach (var handle in metadata.TypeDefinitions)
    {
        var visibility = metadata.GetTypeDefinition(handle).Attributes & TypeAttributes.VisibilityMask;
        if (visibility is TypeAttributes.NotPublic)
            Set(TableIndex.TypeDef, MetadataTokens.GetRowNumber(handle), column: 0, (int)TypeAttributes.Public);
        else if (visibility is TypeAttributes.NestedAssembly or TypeAttributes.NestedFamANDAssem or TypeAttributes.NestedFamORAssem)
            Set(TableIndex.TypeDef, MetadataTokens.GetRowNumber(handle), column: 0, (int)TypeAttributes.NestedPublic);
    }

    foreach (var handle in metadata.FieldDefinitions)
    {
        var access = metadata.GetFieldDefinition(handle).Attributes & FieldAttributes.FieldAccessMask;
        if (access is FieldAttributes.Assembly or FieldAttributes.FamANDAssem or FieldAttributes.FamORAssem)
            Set(TableIndex.Field, MetadataTokens.GetRowNumber(handle), column: 0, (int)FieldAttributes.Public);
    }

    foreach (var handle in metadata.MethodDefinitions)
    {
        var access = metadata.GetMethodDefinition(handle).Attributes & MethodAttributes.MemberAccessMask;
        if (access is MethodAttributes.Assembly or MethodAttributes.FamANDAssem or MethodAttributes.FamORAssem)
            Set(TableIndex.MethodDef, MetadataTokens.GetRowNumber(handle), column: 6, (int)MethodAttributes.Public);
    }

    void Set(TableIndex table, int row, int column, int visibility)
    {
        var offset = metadataStart + metadata.GetTableMetadataOffset(table) + (row - 1) * metadata.GetTableRowSize(table) + column;
        image[offset] = (byte)(image[offset] & ~7 | visibility);
    }
}
