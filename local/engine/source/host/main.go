// The engine's host for Python programs and policy packs, on Pulumi's own toolchain package.
//
// No Go module proxy has a later host of Pulumi's own than 3.79.0, which cannot start a policy pack
// or install packages for today's command. This host answers the calls that the command makes for
// `preview`, `up`, `destroy`, `install` and `about`.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/cmdutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/version"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

const (
	// executor lies beside the host. It runs a program and reports its errors.
	executor = "pulumi-language-python-exec"
	// reported is the executor's exit code for an error that the user has already seen.
	reported = 32
	// describe prints Python's version and path.
	describe = "import sys; print(sys.version.split()[0], sys.executable, end='')"
	// engineTimeout is how long the engine may be silent until the host ends.
	engineTimeout = 5 * time.Minute
)

func main() {
	tracing := flag.String("tracing", "", "address for trace data")
	flag.Parse()
	if err := serve(flag.Arg(0), *tracing); err != nil {
		cmdutil.Exit(err)
	}
}

func serve(engine, tracing string) error {
	own, err := os.Executable()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan bool)
	go func() {
		<-ctx.Done()
		close(ended)
	}()
	if engine != "" {
		if err := rpcutil.Healthcheck(ctx, engine, engineTimeout, cancel); err != nil {
			return fmt.Errorf("the engine does not answer: %w", err)
		}
	}
	answering, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: ended,
		Init: func(server *grpc.Server) error {
			pulumirpc.RegisterLanguageRuntimeServer(server, &host{
				executor: filepath.Join(filepath.Dir(own), executor),
				engine:   engine,
				tracing:  tracing,
			})
			return nil
		},
	})
	if err != nil {
		return err
	}
	fmt.Println(answering.Port) // the engine reads it
	return <-answering.Done
}

type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	executor, engine, tracing string
}

// environment is the toolchain that the project file names, with its virtual environment.
func environment(info *pulumirpc.ProgramInfo) (toolchain.Toolchain, error) {
	options := toolchain.PythonOptions{Root: info.RootDirectory, ProgramDir: info.ProgramDirectory}
	fields := info.GetOptions().GetFields()
	options.Virtualenv = fields["virtualenv"].GetStringValue()
	switch name := fields["toolchain"].GetStringValue(); name {
	case "":
		options.Toolchain = toolchain.Auto
	case "pip":
		options.Toolchain = toolchain.Pip
	case "poetry":
		options.Toolchain = toolchain.Poetry
	case "uv":
		options.Toolchain = toolchain.Uv
	default:
		return nil, fmt.Errorf("toolchain = %s: is not known; use pip, poetry or uv", name)
	}
	return toolchain.ResolveToolchain(options)
}

// ready makes the virtual environment if it is missing, and refuses one that is not whole.
func ready(ctx context.Context, info *pulumirpc.ProgramInfo) (toolchain.Toolchain, error) {
	python, err := environment(info)
	if err != nil {
		return nil, err
	}
	err = python.EnsureVenv(ctx, info.ProgramDirectory, false, true, os.Stdout, os.Stderr)
	if err != nil {
		return nil, err
	}
	return python, python.ValidateVenv(ctx)
}

// packages is the folder of the installed packages.
func packages(ctx context.Context, python toolchain.Toolchain) (string, error) {
	virtualenv, err := python.VirtualEnvPath(ctx)
	if err != nil {
		return "", err
	}
	// An interpreter would take longer to start than everything else here.
	folders, err := filepath.Glob(filepath.Join(virtualenv, "lib", "python*", "site-packages"))
	if virtualenv != "" && err == nil && len(folders) == 1 {
		return folders[0], nil
	}
	command, err := python.Command(ctx, "-c", "import sysconfig as s; print(s.get_path('purelib'), end='')")
	if err != nil {
		return "", err
	}
	folder, err := command.Output()
	return string(folder), err
}

// GetRequiredPackages finds the plugins that the installed packages name.
func (*host) GetRequiredPackages(
	ctx context.Context, request *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	python, err := ready(ctx, request.Info)
	if err != nil {
		return nil, err
	}
	folder, err := packages(ctx, python)
	if err != nil {
		return nil, err
	}
	descriptions, err := filepath.Glob(filepath.Join(folder, "*", "pulumi-plugin.json"))
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.GetRequiredPackagesResponse{}
	for _, file := range descriptions {
		description, err := plugin.LoadPulumiPluginJSON(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if description.Resource {
			response.Packages = append(response.Packages, &pulumirpc.PackageDependency{
				Name:    description.Name,
				Kind:    "resource",
				Version: description.Version,
				Server:  description.Server,
			})
		}
	}
	return response, nil
}

// Run runs a program to its end.
func (host *host) Run(
	ctx context.Context, request *pulumirpc.RunRequest,
) (*pulumirpc.RunResponse, error) {
	python, err := ready(ctx, request.Info)
	if err != nil {
		return nil, err
	}
	settings, secrets := request.Config, request.ConfigSecretKeys
	if settings == nil {
		settings = map[string]string{}
	}
	if secrets == nil {
		secrets = []string{}
	}
	config, err := json.Marshal(settings)
	if err != nil {
		return nil, err
	}
	secretKeys, err := json.Marshal(secrets)
	if err != nil {
		return nil, err
	}
	command, err := python.Command(ctx, append([]string{"-u", host.executor}, host.arguments(request)...)...)
	if err != nil {
		return nil, err
	}
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.Env = append(command.Environ(),
		"PULUMI_CONFIG="+string(config), "PULUMI_CONFIG_SECRET_KEYS="+string(secretKeys))
	var exit *exec.ExitError
	switch err := command.Run(); {
	case err == nil:
		return &pulumirpc.RunResponse{}, nil
	case errors.As(err, &exit) && exit.ExitCode() == reported:
		return &pulumirpc.RunResponse{Bail: true}, nil
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		text := fmt.Sprintf("program exited with non-zero exit code: %d", exit.ExitCode())
		return &pulumirpc.RunResponse{Error: text}, nil
	default:
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("program did not end by itself: %v", err)}, nil
	}
}

func (host *host) arguments(request *pulumirpc.RunRequest) []string {
	var arguments []string
	for _, option := range [][2]string{
		{"--monitor", request.MonitorAddress},
		{"--engine", host.engine},
		{"--project", request.Project},
		{"--root_directory", request.Info.RootDirectory},
		{"--stack", request.Stack},
		{"--pwd", request.Pwd},
		{"--dry_run", fmt.Sprint(request.DryRun)},
		{"--parallel", fmt.Sprint(request.Parallel)},
		{"--tracing", host.tracing},
		{"--organization", request.Organization},
	} {
		if option[1] != "" {
			arguments = append(arguments, option[0], option[1])
		}
	}
	return append(append(arguments, request.Info.EntryPoint), request.Args...)
}

// RunPlugin runs a policy pack until the engine ends it.
func (*host) RunPlugin(
	request *pulumirpc.RunPluginRequest, server pulumirpc.LanguageRuntime_RunPluginServer,
) error {
	if request.Kind != "analyzer" {
		return fmt.Errorf("plugin of the kind %s: this host runs policy packs only", request.Kind)
	}
	python, err := ready(server.Context(), request.Info)
	if err != nil {
		return err
	}
	arguments := append([]string{"-u", "-m", "pulumi.policy"}, request.Args...)
	command, err := python.Command(server.Context(), append(arguments, request.Info.EntryPoint)...)
	if err != nil {
		return err
	}
	virtualenv, err := python.VirtualEnvPath(server.Context())
	if err != nil {
		return err
	}
	closer, stdout, stderr, err := rpcutil.MakeRunPluginStreams(server, false)
	if err != nil {
		return err
	}
	defer closer.Close()
	command.Dir = request.Info.ProgramDirectory
	command.Env = toolchain.ActivateVirtualEnv(request.Env, virtualenv)
	command.Stdout, command.Stderr = stdout, stderr
	var exit *exec.ExitError
	if err := command.Run(); errors.As(err, &exit) {
		return server.Send(&pulumirpc.RunPluginResponse{
			Output: &pulumirpc.RunPluginResponse_Exitcode{Exitcode: int32(exit.ExitCode())},
		})
	} else if err != nil {
		return err
	}
	return closer.Close()
}

// InstallDependencies does what `pulumi install` promises.
func (*host) InstallDependencies(
	request *pulumirpc.InstallDependenciesRequest,
	server pulumirpc.LanguageRuntime_InstallDependenciesServer,
) error {
	python, err := environment(request.Info)
	if err != nil {
		return err
	}
	closer, stdout, stderr, err := rpcutil.MakeInstallDependenciesStreams(server, request.IsTerminal)
	if err != nil {
		return err
	}
	defer closer.Close()
	err = python.InstallDependencies(server.Context(), request.Info.ProgramDirectory,
		request.UseLanguageVersionTools, true, stdout, stderr)
	if err != nil {
		return err
	}
	return closer.Close()
}

// GetProgramDependencies lists the installed packages.
func (*host) GetProgramDependencies(
	ctx context.Context, request *pulumirpc.GetProgramDependenciesRequest,
) (*pulumirpc.GetProgramDependenciesResponse, error) {
	python, err := environment(request.Info)
	if err != nil {
		return nil, err
	}
	installed, err := python.ListPackages(ctx, request.TransitiveDependencies)
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.GetProgramDependenciesResponse{}
	for _, dependency := range installed {
		response.Dependencies = append(response.Dependencies,
			&pulumirpc.DependencyInfo{Name: dependency.Name, Version: dependency.Version})
	}
	return response, nil
}

// About describes the Python that runs the program.
func (*host) About(
	ctx context.Context, request *pulumirpc.AboutRequest,
) (*pulumirpc.AboutResponse, error) {
	python, err := environment(request.Info)
	if err != nil {
		return nil, err
	}
	// The toolchain's own answer also asks for pip's version, for a second, and every command waits.
	command, err := python.Command(ctx, "-I", "-S", "-c", describe)
	if err != nil {
		return nil, err
	}
	answer, err := command.Output()
	if err != nil {
		return nil, err
	}
	version, executable, _ := strings.Cut(string(answer), " ")
	return &pulumirpc.AboutResponse{Executable: executable, Version: version}, nil
}

// GetPluginInfo says the host's version.
func (*host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version.Version}, nil
}
