module github.com/metallb/frr-k8s

go 1.26.0

require (
	k8s.io/apimachinery v0.36.0
	sigs.k8s.io/controller-runtime v0.24.0
)
