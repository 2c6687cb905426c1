using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.WeightFiles.Pickle;

/// <summary>
/// Reads a Python pickle (protocols 2 to 5, https://peps.python.org/pep-0307 and -3154) without executing it. A pickle is a program for a
/// small stack machine that may call anything; this machine builds plain values, knows a few names that state dictionaries use (<see
/// cref="PickledCalls"/>), and puts a placeholder where anything else would be called. Every instruction makes at most one value, what it
/// copies of others is counted against the bytes of the file, so memory is bounded by both, and there are no loops.
/// </summary>
internal sealed class PickleReader
{
    // Real checkpoints have some thousands; one with the state of its optimizer some ten thousands.
    private const int MaximumInstructions = 2_000_000;
    private const int MaximumNameLength = 1024;

    // A longer text is a log or source code, which is not needed: it is skipped.
    private const int MaximumTextLength = 65536;

    // Values that may be copied or inspected in addition to one for each byte that was read.
    private const int FreeCopies = 65536;

    private readonly string _source;
    private readonly BufferedBytes _input;
    private readonly Func<PickledTuple, long, object?> _resolvePersistent;
    private readonly List<object?> _stack = [];
    private readonly Stack<int> _marks = new();
    private readonly Dictionary<uint, object?> _memo = [];
    private readonly long _start;
    private long _at;
    private long _copied;

    /// <param name="source">The file's name, for messages.</param>
    /// <param name="input">Positioned at the first byte of the pickle; afterwards behind its last.</param>
    /// <param name="resolvePersistent">Creates the value of a persistent id, which PyTorch uses for storages;
    /// the second argument is the byte position of the instruction.</param>
    public PickleReader(string source, BufferedBytes input, Func<PickledTuple, long, object?>? resolvePersistent = null)
    {
        _source = source;
        _input = input;
        _start = input.Position;
        _resolvePersistent = resolvePersistent ?? ((_, at) => throw Refusal(at, "it refers to something outside of the pickle"));
    }

    /// <summary>The value of one pickle.</summary>
    /// <exception cref="InvalidDataException">The pickle is damaged or contains a refused instruction or name;
    /// the message gives it and its byte position.</exception>
    public object? Read()
    {
        try
        {
            for (var count = 0; count < MaximumInstructions; count++)
            {
                _at = _input.Position;
                var opcode = (PickleOpcode)_input.ReadByte();
                if (count == 0 && opcode != PickleOpcode.Proto)
                    throw Refuse($"it does not begin with its protocol (found byte 0x{(byte)opcode:x2}); protocols 2 to 5 are read");
                if (opcode == PickleOpcode.Stop)
                    return Pop();
                Execute(opcode);
            }
        }
        catch (Exception e) when (e is EndOfStreamException or DecoderFallbackException)
        {
            throw Refuse(e is EndOfStreamException ? "it ends early: the file is cut off" : "a text is not UTF-8");
        }
        throw Refuse($"it has more than {MaximumInstructions} instructions");
    }

    private void Execute(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Proto:
                var protocol = _input.ReadByte();
                if (protocol is < 2 or > 5)
                    throw Refuse($"it has protocol {protocol}; 2 to 5 are read");
                break;
            case PickleOpcode.Frame:
                _input.ReadUnsigned(8); // A hint for buffering.
                break;

            case PickleOpcode.None:
                Push(null);
                break;
            case PickleOpcode.NewTrue:
                Push(true);
                break;
            case PickleOpcode.NewFalse:
                Push(false);
                break;
            case PickleOpcode.BinInt:
                Push((long)(int)(uint)_input.ReadUnsigned(4));
                break;
            case PickleOpcode.BinInt1:
                Push((long)_input.ReadByte());
                break;
            case PickleOpcode.BinInt2:
                Push((long)_input.ReadUnsigned(2));
                break;
            case PickleOpcode.Long1:
                PushInteger(_input.ReadByte());
                break;
            case PickleOpcode.BinFloat:
                Push(BinaryPrimitives.ReadDoubleBigEndian(_input.ReadBytes(8)));
                break;
            case PickleOpcode.ShortBinUnicode:
            case PickleOpcode.ShortBinString:
                PushText(_input.ReadByte());
                break;
            case PickleOpcode.BinUnicode:
            case PickleOpcode.BinString:
                PushText((long)_input.ReadUnsigned(4));
                break;
            case PickleOpcode.BinUnicode8:
                PushText((long)_input.ReadUnsigned(8));
                break;
            case PickleOpcode.ShortBinBytes:
                SkipBytes(_input.ReadByte());
                break;
            case PickleOpcode.BinBytes:
                SkipBytes((long)_input.ReadUnsigned(4));
                break;
            case PickleOpcode.BinBytes8:
            case PickleOpcode.ByteArray8:
                SkipBytes((long)_input.ReadUnsigned(8));
                break;

            case PickleOpcode.Mark:
                _marks.Push(_stack.Count);
                break;
            case PickleOpcode.Pop:
                if (_marks.Count > 0 && _marks.Peek() == _stack.Count)
                    _marks.Pop();
                else
                    Pop();
                break;
            case PickleOpcode.PopMark:
                PopToMark();
                break;
            case PickleOpcode.Dup:
                Push(Peek());
                break;
            case PickleOpcode.BinPut:
                _memo[_input.ReadByte()] = Peek();
                break;
            case PickleOpcode.LongBinPut:
                _memo[(uint)_input.ReadUnsigned(4)] = Peek();
                break;
            case PickleOpcode.Memoize:
                _memo[(uint)_memo.Count] = Peek();
                break;
            case PickleOpcode.BinGet:
                PushRemembered(_input.ReadByte());
                break;
            case PickleOpcode.LongBinGet:
                PushRemembered((uint)_input.ReadUnsigned(4));
                break;

            case PickleOpcode.EmptyTuple:
                Push(new PickledTuple([]));
                break;
            case PickleOpcode.Tuple1:
                Push(new PickledTuple([Pop()]));
                break;
            case PickleOpcode.Tuple2:
                var (second, first) = (Pop(), Pop());
                Push(new PickledTuple([first, second]));
                break;
            case PickleOpcode.Tuple3:
                var (c, b, a) = (Pop(), Pop(), Pop());
                Push(new PickledTuple([a, b, c]));
                break;
            case PickleOpcode.Tuple:
                Push(new PickledTuple(PopToMark()));
                break;
            case PickleOpcode.EmptyList:
            case PickleOpcode.EmptySet:
                Push(new PickledList([]));
                break;
            case PickleOpcode.List:
            case PickleOpcode.FrozenSet:
                Push(new PickledList(PopToMark()));
                break;
            case PickleOpcode.EmptyDict:
                Push(new PickledDictionary([]));
                break;
            case PickleOpcode.Dict:
                var pairs = PopToMark();
                Push(new PickledDictionary([]));
                AddPairs(pairs);
                break;
            case PickleOpcode.Append:
                AddItems([Pop()]);
                break;
            case PickleOpcode.Appends:
            case PickleOpcode.AddItems:
                AddItems(PopToMark());
                break;
            case PickleOpcode.SetItem:
                var (value, key) = (Pop(), Pop());
                AddPairs([key, value]);
                break;
            case PickleOpcode.SetItems:
                AddPairs(PopToMark());
                break;

            case PickleOpcode.Global:
                PushName(ReadLine(), ReadLine());
                break;
            case PickleOpcode.StackGlobal:
                var name = Pop() as string ?? throw Refuse("a class's name is not a text");
                var module = Pop() as string ?? throw Refuse("a module's name is not a text");
                CountCopies(module.Length + name.Length);
                PushName(module, name);
                break;
            case PickleOpcode.Reduce:
            case PickleOpcode.NewObj:
                Call(Pop());
                break;
            case PickleOpcode.NewObjEx:
                Pop(); // keyword arguments occur only for objects that are not created
                Call(Pop());
                break;
            case PickleOpcode.Build:
                Build(Pop());
                break;
            case PickleOpcode.BinPersId:
                Push(_resolvePersistent(Pop() as PickledTuple ?? throw Refuse("a persistent id is not a tuple"), _at));
                break;

            default:
                throw Refuse(Enum.IsDefined(opcode)
                    ? $"it uses the instruction {opcode}, which no state dictionary of protocol 2 to 5 needs"
                    : $"0x{(byte)opcode:x2} is no pickle instruction");
        }
    }

    private void Call(object? arguments)
    {
        var callee = Pop();
        if (arguments is not PickledTuple { Items: var items })
            throw Refuse("something is called without a tuple of arguments");
        try
        {
            Push(callee switch
            {
                PickledName name => PickledCalls.Call(name, items, CountCopies),
                PickledUnknown unknown => unknown,
                _ => throw new FormatException("something is called that is neither a function nor a class"),
            });
        }
        catch (FormatException e)
        {
            throw Refuse(e.Message);
        }
    }

    // Objects get their state after they are made. Of ours only the OrderedDict has any; a tensor's is whether it is trained.
    private void Build(object? state)
    {
        CountCopies(state is PickledTuple { Items.Count: var count } ? count : 0);
        switch (Peek())
        {
            case PickledDictionary dictionary:
                dictionary.Attributes = state;
                break;
            case PickledTensor when state is PickledTuple { Items: var items }
                && items.Any(item => item is PickledStorage or PickledTensor):
                throw Refuse("a tensor is made in the way of PyTorch before 0.2: load it in Python and save its state_dict() again");
            case PickledTensor or PickledUnknown:
                break;
            default:
                throw Refuse("state is given to something that has none");
        }
    }

    private void AddItems(IEnumerable<object?> items)
    {
        if (Peek() is PickledList list)
            list.Items.AddRange(items);
        else if (Peek() is not PickledUnknown)
            throw Refuse("items are added to something that is no list");
    }

    private void AddPairs(IReadOnlyList<object?> items)
    {
        if (items.Count % 2 != 0)
            throw Refuse("a key has no value");
        if (Peek() is PickledDictionary dictionary)
        {
            for (var i = 0; i < items.Count; i += 2)
                dictionary.Items.Add(new(items[i], items[i + 1]));
        }
        else if (Peek() is not PickledUnknown)
        {
            throw Refuse("entries are added to something that is no dictionary");
        }
    }

    private void PushName(string module, string name)
    {
        if (module.Length > MaximumNameLength || name.Length > MaximumNameLength)
            throw Refuse($"a name is longer than {MaximumNameLength} letters");
        var full = $"{module}.{name}";
        if (ForbiddenNames.Contains(module, name))
            throw Refuse($"it asks for '{Printable(full)}', which runs code or reaches outside of Python. "
                + "No weights need it: the file may be an attack. Do not open it in Python either");
        Push(new PickledName(full, _at));
    }

    private void PushInteger(int size)
    {
        var value = new BigInteger(_input.ReadBytes(size));
        Push(value >= long.MinValue && value <= long.MaxValue ? (object)(long)value : value);
    }

    private void PushText(long length)
    {
        if (length is >= 0 and <= MaximumTextLength)
        {
            Push(_input.ReadText((int)length));
            return;
        }
        _input.Skip(length);
        Push(new PickledUnknown("a long text", _at, IsOrdinary: true));
    }

    private void SkipBytes(long length)
    {
        _input.Skip(length);
        Push(new PickledUnknown("bytes", _at, IsOrdinary: true));
    }

    private void PushRemembered(uint index) =>
        Push(_memo.TryGetValue(index, out var value) ? value : throw Refuse($"it recalls memo {index}, which was not stored"));

    private string ReadLine()
    {
        var line = new List<byte>();
        for (var next = _input.ReadByte(); next != '\n'; next = _input.ReadByte())
        {
            if (line.Count >= MaximumNameLength)
                throw Refuse($"a name is longer than {MaximumNameLength} letters");
            line.Add(next);
        }
        return Encoding.UTF8.GetString([.. line]);
    }

    // A file of weights copies nothing, but for a dictionary of Python 2, which is made of a list once. A short file could have one list
    // copied by each of a million instructions.
    private void CountCopies(int count)
    {
        _copied += count;
        if (_copied > FreeCopies + _input.Position - _start)
            throw Refuse("it copies its values again and again, as no weights need: the file may be an attack");
    }

    private void Push(object? value) => _stack.Add(value);

    // Values below the last mark are not accessible to an instruction.
    private int Bottom => _marks.Count > 0 ? _marks.Peek() : 0;

    private object? Peek() => _stack.Count > Bottom ? _stack[^1] : throw Refuse("an instruction finds nothing on the stack");

    private object? Pop()
    {
        var value = Peek();
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private List<object?> PopToMark()
    {
        if (!_marks.TryPop(out var mark))
            throw Refuse("an instruction finds no mark on the stack");
        var items = _stack[mark..];
        _stack.RemoveRange(mark, _stack.Count - mark);
        return items;
    }

    private InvalidDataException Refuse(string what) => Refusal(_at, what);

    private InvalidDataException Refusal(long at, string what) => new($"'{_source}': its pickle is refused at byte {at}: {what}.");

    internal static string Printable(string text) => SafeText.Of(text);
}
