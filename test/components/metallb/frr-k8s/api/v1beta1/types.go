// Package v1beta1 stands in for the module github.com/metallb/frr-k8s where that cannot be
// downloaded. It has just the names that MetalLB's programs refer to, so that they compile; only the
// mode frr-k8s of MetalLB uses them, and a program built with this package refuses to run in it.
package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// AddToScheme registers nothing: no object of this package is ever sent or received.
func AddToScheme(*runtime.Scheme) error { return nil }

const noCopies = "built without frr-k8s: use MetalLB in native mode"

// FRRConfiguration and its list are Kubernetes objects; all else is what they are made of.
type FRRConfiguration struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	Spec FRRConfigurationSpec
}

func (*FRRConfiguration) DeepCopy() *FRRConfiguration    { panic(noCopies) }
func (*FRRConfiguration) DeepCopyObject() runtime.Object { panic(noCopies) }

type FRRConfigurationSpec struct {
	BGP          BGPConfig
	NodeSelector metav1.LabelSelector
}

func (*FRRConfigurationSpec) DeepCopyInto(*FRRConfigurationSpec) { panic(noCopies) }

type BGPConfig struct {
	Routers     []Router
	BFDProfiles []BFDProfile
}

type Router struct {
	ASN       uint32
	ID        string
	VRF       string
	Neighbors []Neighbor
	Prefixes  []string
}

type DynamicASNMode string

type Neighbor struct {
	ASN                    uint32
	DynamicASN             DynamicASNMode
	Address                string
	Interface              string
	Port                   *uint16
	Password               string
	PasswordSecret         SecretReference
	HoldTime               *metav1.Duration
	KeepaliveTime          *metav1.Duration
	ConnectTime            *metav1.Duration
	EBGPMultiHop           bool
	BFDProfile             string
	EnableGracefulRestart  bool
	DualStackAddressFamily bool
	DisableMP              bool
	ToAdvertise            Advertise
}

type SecretReference struct {
	Name      string
	Namespace string
}

type Advertise struct {
	Allowed                   AllowedOutPrefixes
	PrefixesWithLocalPref     []LocalPrefPrefixes
	PrefixesWithCommunity     []CommunityPrefixes
	PrefixesWithAsPathPrepend []AsPathPrependPrefixes
}

type AllowedOutPrefixes struct {
	Prefixes []string
}

type LocalPrefPrefixes struct {
	LocalPref uint32
	Prefixes  []string
}

type CommunityPrefixes struct {
	Community string
	Prefixes  []string
}

type AsPathPrependPrefixes struct {
	AsPathPrepend uint8
	Prefixes      []string
}

type BFDProfile struct {
	Name             string
	ReceiveInterval  *uint32
	TransmitInterval *uint32
	DetectMultiplier *uint32
	EchoInterval     *uint32
	MinimumTTL       *uint32
	EchoMode         *bool
	PassiveMode      *bool
}
