// A storage driver for tests: volumes in the memory of the node that grow while pods use them.
//
// A volume of a class with the parameter "offline" grows only when its pod starts again.
// https://github.com/container-storage-interface/spec/blob/master/spec.md
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

const (
	actual  = "actual"  // bytes of the file system
	wanted  = "wanted"  // bytes that were requested last
	offline = "offline" // 1: it grows only when its pod starts
)

type driver struct {
	csi.UnimplementedIdentityServer
	csi.UnimplementedControllerServer
	csi.UnimplementedNodeServer
	registration.UnimplementedRegistrationServer
	name, node, folder, socket string
}

func main() {
	var d driver
	flag.StringVar(&d.name, "name", "", "the provisioner of the storage classes")
	flag.StringVar(&d.node, "node", "", "the name of the node")
	flag.StringVar(&d.folder, "folder", "", "an absolute path: the volumes, and the driver's socket")
	registry := flag.String("registry", "", "the folder in which the kubelet looks for drivers")
	flag.Parse()
	if err := os.MkdirAll(d.folder, 0o755); err != nil {
		log.Fatal(err)
	}
	d.socket = filepath.Join(d.folder, "csi.sock")
	server := grpc.NewServer()
	csi.RegisterIdentityServer(server, &d)
	csi.RegisterControllerServer(server, &d)
	csi.RegisterNodeServer(server, &d)
	go serve(server, d.socket)
	kubelet := grpc.NewServer()
	registration.RegisterRegistrationServer(kubelet, &d)
	serve(kubelet, filepath.Join(*registry, d.name+"-reg.sock"))
}

func serve(server *grpc.Server, socket string) {
	_ = os.Remove(socket)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(server.Serve(listener))
}

// The kubelet's registration.

func (d *driver) GetInfo(context.Context, *registration.InfoRequest) (*registration.PluginInfo, error) {
	versions := []string{"1.0.0"}
	return &registration.PluginInfo{
		Type: registration.CSIPlugin, Name: d.name, Endpoint: d.socket, SupportedVersions: versions,
	}, nil
}

func (d *driver) NotifyRegistrationStatus(
	_ context.Context, answer *registration.RegistrationStatus,
) (*registration.RegistrationStatusResponse, error) {
	if !answer.PluginRegistered {
		log.Fatal(answer.Error)
	}
	return &registration.RegistrationStatusResponse{}, nil
}

// Identity.

func (d *driver) GetPluginInfo(context.Context, *csi.GetPluginInfoRequest) (*csi.GetPluginInfoResponse, error) {
	return &csi.GetPluginInfoResponse{Name: d.name, VendorVersion: "1"}, nil
}

func (d *driver) Probe(context.Context, *csi.ProbeRequest) (*csi.ProbeResponse, error) {
	return &csi.ProbeResponse{}, nil
}

func (d *driver) GetPluginCapabilities(
	context.Context, *csi.GetPluginCapabilitiesRequest,
) (*csi.GetPluginCapabilitiesResponse, error) {
	service := &csi.PluginCapability{Type: &csi.PluginCapability_Service_{Service: &csi.PluginCapability_Service{
		Type: csi.PluginCapability_Service_CONTROLLER_SERVICE,
	}}}
	expansion := &csi.PluginCapability{Type: &csi.PluginCapability_VolumeExpansion_{
		VolumeExpansion: &csi.PluginCapability_VolumeExpansion{Type: csi.PluginCapability_VolumeExpansion_ONLINE},
	}}
	capabilities := []*csi.PluginCapability{service, expansion}
	return &csi.GetPluginCapabilitiesResponse{Capabilities: capabilities}, nil
}

// Controller.

func (d *driver) ControllerGetCapabilities(
	context.Context, *csi.ControllerGetCapabilitiesRequest,
) (*csi.ControllerGetCapabilitiesResponse, error) {
	answer := &csi.ControllerGetCapabilitiesResponse{}
	for _, kind := range []csi.ControllerServiceCapability_RPC_Type{
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_VOLUME,
		csi.ControllerServiceCapability_RPC_EXPAND_VOLUME,
	} {
		rpc := &csi.ControllerServiceCapability_Rpc{Rpc: &csi.ControllerServiceCapability_RPC{Type: kind}}
		answer.Capabilities = append(answer.Capabilities, &csi.ControllerServiceCapability{Type: rpc})
	}
	return answer, nil
}

func (d *driver) CreateVolume(_ context.Context, in *csi.CreateVolumeRequest) (*csi.CreateVolumeResponse, error) {
	id, size := in.Name, in.CapacityRange.GetRequiredBytes()
	if err := os.MkdirAll(d.path(id), 0o777); err != nil {
		return nil, err
	}
	if d.read(id, actual) == 0 {
		if err := d.resize(id, size, 0); err != nil {
			return nil, err
		}
		_ = d.write(id, wanted, size)
		if in.Parameters[offline] != "" {
			_ = d.write(id, offline, 1)
		}
	}
	volume := &csi.Volume{VolumeId: id, CapacityBytes: size, VolumeContext: in.Parameters}
	return &csi.CreateVolumeResponse{Volume: volume}, nil
}

func (d *driver) DeleteVolume(_ context.Context, in *csi.DeleteVolumeRequest) (*csi.DeleteVolumeResponse, error) {
	_ = syscall.Unmount(d.path(in.VolumeId), 0)
	_ = os.Remove(d.path(in.VolumeId))
	for _, kind := range []string{actual, wanted, offline} {
		_ = os.Remove(d.path(in.VolumeId) + "." + kind)
	}
	return &csi.DeleteVolumeResponse{}, nil
}

func (d *driver) ControllerExpandVolume(
	_ context.Context, in *csi.ControllerExpandVolumeRequest,
) (*csi.ControllerExpandVolumeResponse, error) {
	size := in.CapacityRange.GetRequiredBytes()
	if err := d.write(in.VolumeId, wanted, size); err != nil {
		return nil, err
	}
	return &csi.ControllerExpandVolumeResponse{CapacityBytes: size, NodeExpansionRequired: true}, nil
}

// Node.

func (d *driver) NodeGetInfo(context.Context, *csi.NodeGetInfoRequest) (*csi.NodeGetInfoResponse, error) {
	return &csi.NodeGetInfoResponse{NodeId: d.node}, nil
}

func (d *driver) NodeGetCapabilities(
	context.Context, *csi.NodeGetCapabilitiesRequest,
) (*csi.NodeGetCapabilitiesResponse, error) {
	rpc := &csi.NodeServiceCapability_RPC{Type: csi.NodeServiceCapability_RPC_EXPAND_VOLUME}
	capability := &csi.NodeServiceCapability{Type: &csi.NodeServiceCapability_Rpc{Rpc: rpc}}
	return &csi.NodeGetCapabilitiesResponse{Capabilities: []*csi.NodeServiceCapability{capability}}, nil
}

func (d *driver) NodePublishVolume(
	_ context.Context, in *csi.NodePublishVolumeRequest,
) (*csi.NodePublishVolumeResponse, error) {
	if err := os.MkdirAll(in.TargetPath, 0o750); err != nil {
		return nil, err
	}
	var target, parent syscall.Stat_t
	if syscall.Stat(in.TargetPath, &target) == nil && syscall.Stat(filepath.Dir(in.TargetPath), &parent) == nil &&
		target.Dev != parent.Dev {
		return &csi.NodePublishVolumeResponse{}, nil // the kubelet repeats the call
	}
	if d.read(in.VolumeId, offline) != 0 {
		if err := d.resize(in.VolumeId, d.read(in.VolumeId, wanted), syscall.MS_REMOUNT); err != nil {
			return nil, err
		}
	}
	if err := syscall.Mount(d.path(in.VolumeId), in.TargetPath, "", syscall.MS_BIND, ""); err != nil {
		return nil, err
	}
	return &csi.NodePublishVolumeResponse{}, nil
}

func (d *driver) NodeUnpublishVolume(
	_ context.Context, in *csi.NodeUnpublishVolumeRequest,
) (*csi.NodeUnpublishVolumeResponse, error) {
	_ = syscall.Unmount(in.TargetPath, 0)
	_ = os.Remove(in.TargetPath)
	return &csi.NodeUnpublishVolumeResponse{}, nil
}

func (d *driver) NodeExpandVolume(
	_ context.Context, in *csi.NodeExpandVolumeRequest,
) (*csi.NodeExpandVolumeResponse, error) {
	size := in.CapacityRange.GetRequiredBytes()
	if d.read(in.VolumeId, actual) < size {
		if d.read(in.VolumeId, offline) != 0 {
			return nil, status.Error(codes.FailedPrecondition, "the volume is in use")
		}
		if err := d.resize(in.VolumeId, size, syscall.MS_REMOUNT); err != nil {
			return nil, err
		}
	}
	return &csi.NodeExpandVolumeResponse{CapacityBytes: size}, nil
}

func (d *driver) path(id string) string {
	return filepath.Join(d.folder, filepath.Base(id))
}

func (d *driver) resize(id string, size int64, flags uintptr) error {
	if err := syscall.Mount("tmpfs", d.path(id), "tmpfs", flags, fmt.Sprintf("size=%d,mode=0777", size)); err != nil {
		return err
	}
	return d.write(id, actual, size)
}

// A number that is kept beside a volume; 0: there is none.
func (d *driver) read(id, kind string) int64 {
	text, _ := os.ReadFile(d.path(id) + "." + kind)
	number, _ := strconv.ParseInt(string(text), 10, 64)
	return number
}

func (d *driver) write(id, kind string, number int64) error {
	return os.WriteFile(d.path(id)+"."+kind, []byte(strconv.FormatInt(number, 10)), 0o600)
}
