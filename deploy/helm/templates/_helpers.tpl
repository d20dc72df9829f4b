{{- define "newsflow.labels" -}}
app.kubernetes.io/name: newsflow
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- /* What a selector chooses by: it cannot be changed later. */ -}}
{{- define "newsflow.selector" -}}
app.kubernetes.io/name: newsflow
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- /* The files of the jobs: their configuration, and those that it names. */ -}}
{{- define "newsflow.files" -}}
{{- $base := fromYaml (.Files.Get "resources/newsflow.yaml") -}}
newsflow.yaml: {{ mergeOverwrite $base .Values.config | toYaml | quote }}
{{- range $name, $text := .Values.files }}
{{ $name }}: {{ $text | quote }}
{{- end -}}
{{- end -}}

{{- /* A resource with our labels, which its selectors ask for too. */ -}}
{{- define "newsflow.labelled" -}}
{{- $of := .of -}}
{{- $_ := set $of.metadata "labels" (merge (fromYaml (include "newsflow.labels" .root)) ($of.metadata.labels | default dict)) -}}
{{- $chosen := fromYaml (include "newsflow.selector" .root) -}}
{{- range $name := list "selector" "podSelector" -}}
{{- if hasKey ($of.spec | default dict) $name -}}
{{- $selector := index $of.spec $name -}}
{{- $_ := set $selector "matchLabels" (merge ($selector.matchLabels | default dict) $chosen) -}}
{{- end -}}
{{- end }}
---
{{ toYaml $of }}
{{- end -}}

{{- /* One process: a job, or its share of the partitions. */ -}}
{{- define "newsflow.deployment" -}}
{{- $of := .of -}}{{- $values := .root.Values -}}
{{- $pod := $of.spec.template -}}
{{- if .number -}}
{{- $_ := set $of.metadata "name" (printf "%s-%d" $of.metadata.name (add1 .number)) -}}
{{- $_ := set $of.spec.selector.matchLabels "newsflow/share" (printf "share-%d" (add1 .number)) -}}
{{- $_ := set $pod.metadata.labels "newsflow/share" (printf "share-%d" (add1 .number)) -}}
{{- end -}}
{{- $_ := set $pod.metadata "labels" (merge (fromYaml (include "newsflow.labels" .root)) $pod.metadata.labels) -}}
{{- $_ := set $pod.metadata "annotations" (dict "checksum/config" .digest) -}}
{{- with $values.image.pullSecrets }}{{ $_ := set $pod.spec "imagePullSecrets" . }}{{ end -}}
{{- $secrets := dict "newsflow-ledger" $values.secrets.ledger "newsflow-kafka-user" $values.secrets.kafkaUser -}}
{{- range $container := concat $pod.spec.initContainers $pod.spec.containers -}}
{{- $_ := set $container "image" (printf "%s:%s" $values.image.repository ($values.image.tag | default $.root.Chart.AppVersion)) -}}
{{- range $variable := $container.env -}}
{{- with $variable.valueFrom }}{{ $_ := set .secretKeyRef "name" (index $secrets .secretKeyRef.name) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- range $volume := $pod.spec.volumes -}}
{{- with $volume.secret }}{{ $_ := set . "secretName" $values.secrets.kafkaCa }}{{ end -}}
{{- end -}}
{{- $job := first $pod.spec.containers -}}
{{- with .share }}{{ $_ := set $job "args" (concat $job.args (list "--partitions" .)) }}{{ end -}}
{{- with index $values.resources .component }}{{ $_ := set $job "resources" . }}{{ end -}}
{{- include "newsflow.labelled" (dict "of" $of "root" .root) -}}
{{- end -}}
