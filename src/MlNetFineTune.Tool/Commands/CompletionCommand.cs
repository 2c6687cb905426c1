using System.CommandLine;

namespace MlNetFineTune.Tool;

/// <summary><c>finetune completion</c>: scripts that ask the program itself, by System.CommandLine's directive <c>[suggest]</c>.</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        _finetune_complete() {
            local IFS=$'\n' current="${COMP_WORDS[COMP_CWORD]}"
            COMPREPLY=($(compgen -W "$(finetune "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)" -- "$current"))
        }
        complete -o default -F _finetune_complete finetune
        """;

    private const string Zsh = """
        _finetune() {
            local -a suggestions
            suggestions=("${(@f)$(finetune "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)}")
            if [[ -n "${suggestions[1]}" ]]; then compadd -- "${suggestions[@]}"; else _files; fi
        }
        compdef _finetune finetune
        """;

    private const string PowerShell = """
        Register-ArgumentCompleter -Native -CommandName finetune -ScriptBlock {
            param($word, $line, $position)
            finetune "[suggest:$position]" "$line" 2>$null | Where-Object { $_ -like "$word*" } | ForEach-Object {
                [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
            }
        }
        """;

    public static Command Create()
    {
        var shell = new Argument<string>("shell") { Description = "The shell: bash, zsh or pwsh." };
        shell.AcceptOnlyFromAmong("bash", "zsh", "pwsh");
        var command = new Command("completion",
            "Prints a script that completes commands, options and names on the command line. bash: eval \"$(finetune completion bash)\" in "
            + "~/.bashrc; zsh: the same in ~/.zshrc, after compinit; pwsh: finetune completion pwsh | Out-String | Invoke-Expression in "
            + "$PROFILE.")
        {
            shell,
        };
        command.SetAction(parsed =>
        {
            Console.Out.WriteLine(parsed.GetRequiredValue(shell) switch { "bash" => Bash, "zsh" => Zsh, _ => PowerShell });
            return CommandRun.Done;
        });
        return command;
    }
}
