// HashiCorp's AWS provider as a Pulumi plugin: the resources that this project uses, under the
// tokens that pulumi-aws gives them. The provider's own code does all the work.
package main

import (
	"context"
	"encoding/json"
	"log"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	bridge "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/x/muxer"
	"github.com/pulumi/pulumi-terraform-bridge/v3/unstable/metadata"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"github.com/hashicorp/terraform-provider-aws/internal"
	"github.com/hashicorp/terraform-provider-aws/internal/provider/framework"
	"github.com/hashicorp/terraform-provider-aws/internal/provider/sdkv2"
)

// version is pulumi-aws's, set by the linker: the engine looks the plugin up by it.
var version string

// functions are the provider's own, which a program in Python does not call.
var functions = []string{"arn_build", "arn_parse", "trim_iam_role_path", "user_agent"}

func main() {
	ctx := context.Background()
	internal.RegisterSmarterrFS()
	primary, err := sdkv2.NewProvider(ctx)
	if err != nil {
		log.Fatal(err)
	}
	secondary, err := framework.NewProvider(ctx, primary)
	if err != nil {
		log.Fatal(err)
	}
	info := bridge.ProviderInfo{
		P:              tfbridge.MuxShimWithDisjointgPF(ctx, shimv2.NewProvider(primary), secondary),
		Name:           "aws",
		ResourcePrefix: "aws",
		Version:        version,
		MetadataInfo:   bridge.NewProviderMetadata([]byte("{}")),
		Resources:      map[string]*bridge.ResourceInfo{},
		DataSources:    map[string]*bridge.DataSourceInfo{},
	}
	for name, token := range resources {
		info.Resources[name] = &bridge.ResourceInfo{Tok: tokens.Type(token), Fields: named(singular[name])}
	}
	for name, token := range dataSources {
		info.DataSources[name] = &bridge.DataSourceInfo{Tok: tokens.ModuleMember(token)}
	}
	info.IgnoreMappings = append(
		append(unmapped(info.P.ResourcesMap(), resources), unmapped(info.P.DataSourcesMap(), dataSources)...),
		functions...)
	info.SetAutonaming(255, "-")
	if err := dispatch(&info); err != nil {
		log.Fatal(err)
	}
	schema, err := json.Marshal(map[string]string{"name": info.Name, "version": version})
	if err != nil {
		log.Fatal(err)
	}
	tfbridge.MainWithMuxer(ctx, info.Name, info, schema)
}

// named keeps these fields' names; the bridge would put lists into the plural.
func named(fields []string) map[string]*bridge.SchemaInfo {
	kept := map[string]*bridge.SchemaInfo{}
	for _, name := range fields {
		kept[name] = &bridge.SchemaInfo{Name: name}
	}
	return kept
}

// unmapped names what the provider has and this project does not use.
func unmapped(all shim.ResourceMap, used map[string]string) []string {
	var names []string
	all.Range(func(name string, _ shim.Resource) bool {
		if _, ok := used[name]; !ok {
			names = append(names, name)
		}
		return true
	})
	return names
}

// dispatch says which half of the provider answers for a resource, what tfgen would write to a file.
func dispatch(info *bridge.ProviderInfo) error {
	halves := info.P.(interface {
		ResolveDispatch(*bridge.ProviderInfo) (muxer.DispatchTable, error)
	})
	table, err := halves.ResolveDispatch(info)
	if err != nil {
		return err
	}
	return metadata.Set(info.GetMetadata(), "mux", table)
}
